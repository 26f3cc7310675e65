//! The manifests of `k8s/`, without a cluster: what kustomize makes of them, held against Kubernetes' schemas; and run as the
//! kubelet and the Job controller would, on real databases with the real binary.

mod cluster;
mod controller;
mod image;
mod kubelet;
pub mod manifest;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::cluster::{Blow, Cluster, End, until};
use self::controller::{Action, Ended, judge, refused};
use self::kubelet::{Image, containers, expand};
use self::manifest::{Manifest, invalid, kept_path, kubectl, render};
use crate::harness::TestDb;
use crate::program::{MIGRATED, fixture, number, on, sqlmig, state, text, url};
use crate::site::{Act, Object, Site};

/// The kept manifests, and the folders that they are of.
const KEPT: [(&str, &str); 3] = [("base", "base"), ("cron", "overlays/cron"), ("workers", "overlays/workers")];

/// A promotion of small batches, each of which takes its time.
const SLOW: &str = include_str!("../../sql/slow_tables.sql");
const PROMOTING: &str = "select count(*) from sqlmig.batch where transform = 'documents' and state = 'done'";

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/k8s"))
}

/// Every file below a folder, in order.
fn files(folder: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), into);
        } else {
            into.insert(entry.path().display().to_string(), fs::read(entry.path()).unwrap());
        }
    }
}

/// A digest of what the kept manifests are made of.
fn digest() -> String {
    let mut found = BTreeMap::new();
    for part in ["base", "overlays", "components"] {
        files(&folder().join(part), &mut found);
    }
    let mut digest = Sha256::new();
    for (path, bytes) in found {
        let path = Path::new(&path).strip_prefix(folder()).unwrap().display().to_string();
        digest.update(format!("{path} {}\n", bytes.len()));
        digest.update(bytes);
    }
    sqlmig::names::hex(&digest.finalize())
}

/// Where there is no kubectl, the kept manifests are held against the digest of what they were made of, at least.
#[test]
fn the_kept_manifests_are_those_of_k8s() {
    let known = kept_path("sources").with_extension("sha256");
    let hint =
        "make them again where there is a kubectl: SQLMIG_WRITE_DOCS=1 cargo test --test it -- kubernetes::the_kept";
    if let Some(kubectl) = kubectl() {
        for (name, folder_name) in KEPT {
            let made = render(&kubectl, &folder().join(folder_name));
            if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
                fs::write(kept_path(name), &made).unwrap();
                fs::write(&known, digest() + "\n").unwrap();
            }
            // Not their texts: another version of kubectl may indent otherwise.
            let made = Manifest::rendered(&kubectl, &folder().join(folder_name));
            assert!(made.0 == Manifest::kept(name).0, "{folder_name} is not what is kept: {hint}");
        }
    }
    assert_eq!(fs::read_to_string(&known).unwrap_or_default().trim(), digest(), "{hint}");
}

/// The parts that an operator puts together, put together; needs a kubectl, and says so where it must be there.
#[test]
fn components_go_with_every_overlay() {
    let Some(kubectl) = kubectl() else {
        assert!(std::env::var_os("CI").is_none(), "install kubectl 1.25 or newer, or name it by SQLMIG_KUBECTL");
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let copy = scratch.path().join("k8s");
    let mut found = BTreeMap::new();
    files(folder(), &mut found);
    for (path, bytes) in found {
        let to = copy.join(Path::new(&path).strip_prefix(folder()).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    for (base, kind) in [("base", "Job"), ("overlays/cron", "CronJob"), ("overlays/workers", "Job")] {
        let own = copy.join("mine");
        fs::create_dir_all(&own).unwrap();
        // As k8s/README.md shows it.
        let text = format!(
            "resources: [../{base}]\ncomponents: [../components/dump-volume, ../components/no-index]\nnamespace: docs\n\
             configMapGenerator:\n- {{name: sqlmig, namespace: sqlmig, behavior: merge, literals: [SQLMIG_PARALLEL=2]}}\n"
        );
        fs::write(own.join("kustomization.yaml"), text).unwrap();
        let made = render(&kubectl, &own);
        let file = own.join("made.yaml");
        fs::write(&file, &made).unwrap();
        assert_eq!(invalid(&file), "", "{base}");
        let objects = Manifest::rendered(&kubectl, &own);
        let data = &objects.find("ConfigMap", "sqlmig")["data"];
        assert_eq!((&data["SOURCE"], &data["SQLMIG_PARALLEL"]), (&"/dump/dump.sql.gz".into(), &"2".into()), "{base}");
        let top = objects.find(kind, "sqlmig");
        let pod =
            if kind == "Job" { &top["spec"]["template"] } else { &top["spec"]["jobTemplate"]["spec"]["template"] };
        let mounting: Vec<&Value> =
            containers(pod).into_iter().filter(|one| one.get("volumeMounts").is_some()).collect();
        assert_eq!(mounting.len(), 1, "{base}");
        assert_eq!(mounting[0]["volumeMounts"][0]["mountPath"], "/dump");
        assert!(mounting[0]["args"].as_array().unwrap().contains(&"$(SOURCE)".into()));
        assert!(containers(pod).iter().all(|container| container["name"] != "index"), "{base}");
    }
}

#[test]
fn the_manifests_are_valid_by_the_schemas_of_kubernetes() {
    for (name, _) in KEPT {
        assert_eq!(invalid(&kept_path(name)), "", "{name}");
        for object in Manifest::kept(name).0 {
            let job = if object["kind"] == "CronJob" { object["spec"]["jobTemplate"].clone() } else { object };
            if job["spec"].get("podFailurePolicy").is_some() {
                assert_eq!(refused(&job), Vec::<&str>::new());
            }
        }
    }
    assert_eq!(invalid(&folder().join("base/secret.example.yaml")), "");
    // A test that cannot fail is none.
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("wrong.yaml");
    let wrong = fs::read_to_string(kept_path("base")).unwrap().replace("backoffLimit:", "backofLimit:");
    fs::write(&file, wrong).unwrap();
    assert!(invalid(&file).contains("backofLimit"));
}

/// Every pod that the manifests make, with the Job that makes it.
fn jobs() -> Vec<(String, Value)> {
    let mut jobs = Vec::new();
    for (name, _) in KEPT {
        for object in Manifest::kept(name).0 {
            let label = format!("{name}: {} {}", object["kind"], object["metadata"]["name"]);
            match object["kind"].as_str().unwrap() {
                "Job" => jobs.push((label, object)),
                "CronJob" => jobs.push((label, object["spec"]["jobTemplate"].clone())),
                _ => {}
            }
        }
    }
    assert_eq!(jobs.len(), 4);
    jobs
}

/// The file with the Deployment of `sqlmig monitor`.
fn monitoring() -> Manifest {
    Manifest::file(&folder().join("monitoring/monitor.yaml"))
}

/// The restricted profile of the Pod Security Standards, and what the image says of its user.
#[test]
fn every_pod_is_locked_up() {
    let monitor = monitoring().find("Deployment", "sqlmig-monitor").clone();
    let pods = jobs().into_iter().chain([("monitoring: Deployment".to_owned(), monitor)]);
    let image = Image::of_dockerfile();
    for (label, made_by) in pods {
        let template = &made_by["spec"]["template"];
        let pod = &template["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false, "{label}");
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"], true, "{label}");
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{label}");
        assert_eq!(image.user, format!("{}:{}", security["runAsUser"], security["runAsGroup"]), "{label}");
        for name in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
            assert!(pod.get(name).is_none(), "{label}: {name}");
        }
        assert!(!containers(template).is_empty(), "{label}");
        for container in containers(template) {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false, "{label}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{label}");
            assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]), "{label}");
            assert!(security["capabilities"].get("add").is_none() && security.get("privileged").is_none(), "{label}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{label}");
            assert!(container.get("command").is_none(), "{label}: the image's entry point is sqlmig");
        }
    }
}

/// No load goes on for ever, and none that has ended stays for ever.
#[test]
fn every_job_has_an_end_and_is_cleared_away() {
    for (label, job) in jobs() {
        for name in ["activeDeadlineSeconds", "ttlSecondsAfterFinished"] {
            let seconds = job["spec"][name].as_i64().unwrap_or_else(|| panic!("{label} has no {name}"));
            // A load of hours must not be ended, nor its report be gone before somebody has read it.
            assert!((3600..=7 * 86400).contains(&seconds), "{label}: {name} is {seconds}");
        }
    }
}

/// Whether a selector means the pods of a template: all its labels are theirs. An empty one would mean every pod there is.
fn selects(selector: &Value, template: &Value) -> bool {
    assert!(selector.get("matchExpressions").is_none(), "not understood here: {selector}");
    let wanted = selector["matchLabels"].as_object().unwrap();
    let labels = &template["metadata"]["labels"];
    !wanted.is_empty() && wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}

/// A policy whose selector meets no pod keeps nobody out, and says nothing about it.
#[test]
fn the_network_policies_mean_every_pod() {
    let mut seen = 0;
    let mut selector = Value::Null;
    for (name, _) in KEPT {
        let objects = Manifest::kept(name);
        let policy = objects.find("NetworkPolicy", "sqlmig");
        assert_eq!(policy["spec"]["policyTypes"], serde_json::json!(["Ingress", "Egress"]), "{name}");
        selector = policy["spec"]["podSelector"].clone();
        for object in &objects.0 {
            let template = match object["kind"].as_str().unwrap() {
                "Job" => &object["spec"]["template"],
                "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
                _ => continue,
            };
            let label = format!("{name}: {} {}", object["kind"], object["metadata"]["name"]);
            assert_eq!(object["metadata"]["namespace"], policy["metadata"]["namespace"], "{label}");
            assert!(selects(&selector, template), "{label}: {selector} is not of {}", template["metadata"]);
            seen += 1;
        }
    }
    assert_eq!(seen, jobs().len());
    // The monitor is held by the same policy, and its own lets in whoever scrapes.
    let objects = monitoring();
    let monitor = objects.find("Deployment", "sqlmig-monitor");
    let template = &monitor["spec"]["template"];
    let metrics = &objects.find("NetworkPolicy", "sqlmig-metrics")["spec"];
    for selector in [&selector, &metrics["podSelector"], &monitor["spec"]["selector"]] {
        assert!(selects(selector, template), "{selector} is not of {}", template["metadata"]);
    }
    let port = &template["spec"]["containers"][0]["ports"][0]["containerPort"];
    assert_eq!(&metrics["ingress"][0]["ports"][0]["port"], port);
    let other = serde_json::json!({"matchLabels": {"app.kubernetes.io/name": "else"}});
    assert!(!selects(&other, template) && !selects(&serde_json::json!({"matchLabels": {}}), template));
}

/// The page of exit codes says which may be tried again; the policy of every Job does just that.
#[test]
fn the_failure_policy_is_that_of_the_exit_codes() {
    let page = include_str!("../../../docs/exit-codes.md");
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        Some((cells.get(1)?.parse::<i32>().ok()?, *cells.get(3)?))
    });
    let rows: Vec<(i32, &str)> = rows.filter(|(code, _)| *code != 0).collect();
    assert!(rows.len() >= 9);
    for (label, job) in jobs() {
        for container in containers(&job["spec"]["template"]) {
            let container = container["name"].as_str().unwrap();
            let judged = |code, disrupted| judge(&job, Ended { container, code, disrupted });
            for (code, retry) in &rows {
                let action = if *retry == "yes" { Action::Count } else { Action::FailJob };
                assert_eq!(judged(*code, false), action, "{label}, {container}: {code}");
                assert_eq!(judged(*code, true), Action::Ignore, "{label}, {container}: {code}");
            }
            // Killed, by the kernel for its memory or by the kubelet after its grace.
            for code in [137, 143] {
                assert_eq!(judged(code, false), Action::Count, "{label}, {container}: {code}");
            }
        }
    }
}

#[test]
fn references_are_expanded_as_by_kubernetes() {
    let known = BTreeMap::from([("A".to_owned(), "a$(B)".to_owned()), ("B".to_owned(), "b".to_owned())]);
    for (text, expanded) in
        [("$(A)-$(B)", "a$(B)-b"), ("$$(A) $$$(B)", "$(A) $b"), ("$(C) $( $", "$(C) $( $"), ("$A", "$A")]
    {
        assert_eq!(expand(text, &known), expanded);
    }
}

/// The fixture, served.
fn served(acts: Vec<Act>) -> Site {
    Site::start(Object::new(fs::read(fixture("docs.sql.gz")).unwrap()), acts)
}

/// The state in which the command line leaves a database.
async fn calm() -> String {
    let db = TestDb::from(&MIGRATED, "calm_kube").await;
    sqlmig(&db, &format!("run {}", fixture("docs.sql.gz"))).await.code(0);
    state(&db.connect().await).await
}

/// The manifests' own parameters, but for the source, and a bound on rejected rows that is the fixture's.
fn parameters(source: &str) -> [(&str, &str); 2] {
    [("SOURCE", source), ("SQLMIG_MAX_REJECTS", "50%")]
}

#[tokio::test]
async fn a_job_ends_as_the_command_line_does() {
    let db = TestDb::from(&MIGRATED, "job").await;
    let client = db.connect().await;
    let site = served(Vec::new());
    let source = site.url("docs.sql.gz");
    let mut cluster = Cluster::new("base", &db, &parameters(&source)).await;
    let started = cluster.started(&cluster.job("sqlmig"), "sqlmig-0");
    let steps: Vec<&str> = started.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(steps, ["stage", "check", "embed", "promote", "index", "validate", "report"]);
    assert_eq!(started[0].command[1..], ["stage".to_owned(), source.clone()]);
    let reached = url(&db).await;
    assert!(started.iter().all(|container| container.environment["DATABASE_URL"] == reached));
    let finished = cluster.run("sqlmig", &client, &[], |_, _| {}).await;
    assert_eq!((finished.end, finished.failed), (End::Complete, Vec::new()), "{}", finished.stderr);
    let report: Value = serde_json::from_str(finished.stdout.last().unwrap()).unwrap();
    assert_eq!((&report["run"]["state"], &report["run"]["source"]), (&"done".into(), &source.into()));
    assert!(report["tables"].as_array().unwrap().iter().all(|table| table["balanced"] == true));
    assert_eq!(state(&client).await, calm().await);
    // What is logged is for programs.
    assert!(finished.stderr.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", finished.stderr);
}

#[tokio::test]
async fn a_pod_that_ends_in_the_middle_is_replaced_and_its_successor_goes_on() {
    let calm = calm().await;
    let staging = "select count(*) from sqlmig.chunk";
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let db = TestDb::from(&MIGRATED, "blows").await;
        let client = db.connect().await;
        client.batch_execute(SLOW).await.unwrap();
        // The first pod's source falls silent near its end.
        let site = served(vec![Act::Silence(2_500_000)]);
        let source = site.url("docs.sql.gz");
        let mut cluster = Cluster::new("base", &db, &parameters(&source)).await;
        cluster.set("SQLMIG_BATCH_SIZE", Some("10"));
        let blows = [
            Blow { container: "stage", when: staging, signal },
            Blow { container: "promote", when: PROMOTING, signal },
            Blow { container: "report", when: "select 1", signal: Signal::SIGKILL },
        ];
        let finished = cluster.run("sqlmig", &client, &blows, |_, _| {}).await;
        let code = if signal == Signal::SIGTERM { 7 } else { 137 };
        let failed = [("stage", code), ("promote", code), ("report", 137)].map(|(name, code)| (name.to_owned(), code));
        assert_eq!((finished.end, finished.failed), (End::Complete, failed.to_vec()), "{}", finished.stderr);
        assert_eq!(state(&client).await, calm, "{signal}");
        // One run went on through the pods; the one that was lost after its end is followed by one that has nothing to load.
        assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
        assert_eq!(number(&client, "select count(*) from sqlmig.run where state = 'done' and error is null").await, 1);
        let report: Value = serde_json::from_str(finished.stdout.last().unwrap()).unwrap();
        assert!(report["targets"][1]["rows_inserted"].as_i64() > Some(0), "the report is of the load: {report}");
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_fails_the_job() {
    let calm = calm().await;
    let site = served(vec![Act::Status(503, ""); 3]);
    let source = site.url("docs.sql.gz");
    // What passes: the source's server, the database, the embeddings.
    let db = TestDb::from(&MIGRATED, "passes").await;
    let client = db.connect().await;
    let own = crate::program::url(&db).await;
    let mut cluster = Cluster::new("base", &db, &parameters(&source)).await;
    cluster.set("SQLMIG_SOURCE_TIMEOUT", Some("500ms"));
    cluster.set_secret("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none?sslmode=disable");
    cluster.set("SQLMIG_EMBEDDING_URL", Some("http://127.0.0.1:9/v1"));
    cluster.set("SQLMIG_EMBEDDING_ATTEMPTS", Some("1"));
    let finished = cluster
        .run("sqlmig", &client, &[], |cluster, pods| match pods {
            1 => cluster.set_secret("DATABASE_URL", &own),
            3 => cluster.set("SQLMIG_EMBEDDING_URL", None),
            _ => {}
        })
        .await;
    let failed = [("stage", 5), ("stage", 9), ("embed", 8)].map(|(name, code)| (name.to_owned(), code));
    assert_eq!((finished.end, finished.failed), (End::Complete, failed.to_vec()), "{}", finished.stderr);
    assert_eq!(state(&client).await, calm);

    // What does not: a parameter that is wrong, a budget that is exceeded, a source that is not there.
    let gone = Site::start(Object::new(Vec::new()), vec![Act::Status(404, ""); 9]);
    for (name, value, failed) in [
        ("SQLMIG_BATCH_SIZE", "many".to_owned(), ("promote", 2)),
        ("SQLMIG_MAX_REJECTS", "0".to_owned(), ("check", 3)),
        ("SOURCE", gone.url("dump"), ("stage", 4)),
    ] {
        let db = TestDb::from(&MIGRATED, "fails").await;
        let client = db.connect().await;
        let mut cluster = Cluster::new("base", &db, &parameters(&source)).await;
        cluster.set(name, Some(&value));
        let finished = cluster.run("sqlmig", &client, &[], |_, _| {}).await;
        assert_eq!(finished.end, End::Failed("PodFailurePolicy"), "{name}: {}", finished.stderr);
        assert_eq!(finished.failed, [(failed.0.to_owned(), failed.1)], "{name}: {}", finished.stderr);
        assert_eq!(number(&client, "select count(*) from public.documents").await, 0);
    }

    // What never passes uses the budget up: one pod more than retries.
    let db = TestDb::from(&MIGRATED, "held").await;
    let client = db.connect().await;
    let mut holder = on(&db, "stage -").await;
    let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let locked = "select count(*) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())";
    until(&client, locked).await;
    let mut cluster = Cluster::new("base", &db, &parameters(&source)).await;
    let finished = cluster.run("sqlmig", &client, &[], |_, _| {}).await;
    assert_eq!(finished.end, End::Failed("BackoffLimitExceeded"));
    assert_eq!(finished.failed, vec![("stage".to_owned(), 6); 7], "{}", finished.stderr);
    holder.kill().unwrap();
    tokio::task::spawn_blocking(move || holder.wait().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_scheduled_load_of_an_unchanged_source_loads_nothing() {
    let db = TestDb::from(&MIGRATED, "cron").await;
    let client = db.connect().await;
    let site = served(Vec::new());
    let source = site.url("docs.sql.gz");
    let mut cluster = Cluster::new("cron", &db, &parameters(&source)).await;
    assert_eq!(cluster.objects.find("CronJob", "sqlmig")["spec"]["concurrencyPolicy"], "Forbid");
    for night in 0..2 {
        let finished = cluster.run("sqlmig", &client, &[], |_, _| {}).await;
        assert_eq!(finished.end, End::Complete, "{}", finished.stderr);
        assert_eq!(finished.stderr.contains("the source was loaded whole"), night == 1, "{}", finished.stderr);
    }
    assert_eq!(state(&client).await, calm().await);
    assert_eq!(number(&client, "select count(*) from sqlmig.run").await, 1);
    // A newer dump is loaded on top of it.
    let newer = Site::start(Object::new(fs::read(fixture("docs-newer.sql.gz")).unwrap()), Vec::new());
    cluster.set("SOURCE", Some(&newer.url("docs-newer.sql.gz")));
    let blows = [Blow { container: "run", when: "select count(*) - 1 from sqlmig.run", signal: Signal::SIGTERM }];
    let finished = cluster.run("sqlmig", &client, &blows, |_, _| {}).await;
    assert_eq!((finished.end, finished.failed), (End::Complete, vec![("run".to_owned(), 7)]), "{}", finished.stderr);
    let line = TestDb::from(&MIGRATED, "cron_line").await;
    for name in ["docs.sql.gz", "docs-newer.sql.gz"] {
        sqlmig(&line, &format!("run {}", fixture(name))).await.code(0);
    }
    assert_eq!(state(&client).await, state(&line.connect().await).await);
}

#[tokio::test]
async fn workers_of_an_indexed_job_help_and_may_die_and_so_may_their_conductor() {
    let calm = calm().await;
    for doomed in ["worker", "conductor"] {
        let db = TestDb::from(&MIGRATED, "indexed").await;
        let client = db.connect().await;
        client.batch_execute(SLOW).await.unwrap();
        let site = served(Vec::new());
        let source = site.url("docs.sql.gz");
        let mut cluster = Cluster::new("workers", &db, &parameters(&source)).await;
        cluster.set("SQLMIG_BATCH_SIZE", Some("8"));
        cluster.set("SQLMIG_PARALLEL", Some("1"));
        let workers = cluster.job("sqlmig-workers");
        assert_eq!(workers["spec"]["completionMode"], "Indexed");
        let count = workers["spec"]["completions"].as_u64().unwrap();
        assert_eq!(workers["spec"]["parallelism"], count);
        let started = cluster.started(&workers, "sqlmig-workers-0");
        assert_eq!(started[0].command[1..], ["promote".to_owned(), "--worker".to_owned()]);
        assert_eq!(started[0].environment["SQLMIG_WAIT"], "2h");
        // Each index is a Job of its own, as far as pods go: they are there before the conductor begins.
        let mut helping = Vec::new();
        for index in 0..count {
            let mut cluster = Cluster::new("workers", &db, &parameters(&source)).await;
            cluster.set("SQLMIG_PARALLEL", Some("1"));
            let own = db.connect().await;
            let is_doomed = doomed == "worker" && index == 0;
            helping.push(tokio::spawn(async move {
                let blow = Blow { container: "worker", when: PROMOTING, signal: Signal::SIGKILL };
                let blows = if is_doomed { vec![blow] } else { Vec::new() };
                cluster.run("sqlmig-workers", &own, &blows, |_, _| {}).await
            }));
        }
        let blow = Blow { container: "promote", when: PROMOTING, signal: Signal::SIGKILL };
        let blows = if doomed == "conductor" { vec![blow] } else { Vec::new() };
        let finished = cluster.run("sqlmig", &client, &blows, |_, _| {}).await;
        assert_eq!(finished.end, End::Complete, "{}", finished.stderr);
        let mut committed = 0;
        let mut failed = Vec::new();
        for worker in helping {
            let worker = worker.await.unwrap();
            assert_eq!(worker.end, End::Complete, "{}", worker.stderr);
            committed += worker.stdout[0].split(' ').next().unwrap().parse::<u32>().unwrap();
            failed.extend(worker.failed.into_iter().map(|(_, code)| code));
        }
        if doomed == "worker" {
            assert!(committed > 0);
            assert_eq!(failed, [137]);
        } else {
            // Whoever had a batch in hand finds the run in another's hands; whoever did not has ended, or goes on with it.
            assert!(failed.iter().all(|code| *code == 6), "{failed:?}");
            assert_eq!(finished.failed, [("promote".to_owned(), 137)]);
        }
        assert_eq!(state(&client).await, calm, "{doomed}");
        assert_eq!(text(&client, include_str!("../../sql/uncovered.sql")).await, "");
    }
}
