//! `k8s/monitoring/`: alerts and dashboard speak of metrics that there are; promtool and a real Prometheus agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlmig::metrics::{Kind, METRICS};

use crate::following::{Running, get};
use crate::harness::TestDb;
use crate::kubernetes::manifest::{invalid, kubectl, render};
use crate::program::{MIGRATED, bare, finish, on};
use crate::service::Service;

mod picture;
pub mod schemas;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("k8s/monitoring")
}

fn dashboard() -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join("dashboard.json")).unwrap()).unwrap()
}

fn alerts() -> Value {
    let text = fs::read_to_string(folder().join("prometheusrule.yaml")).unwrap();
    let rule: Value = serde_saphyr::from_str(&text).unwrap();
    rule["spec"].clone()
}

/// The panels' queries, as Prometheus takes them: each with its panel's title.
fn queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let queries = panels.flat_map(|panel| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap().clone();
        targets.into_iter().map(move |target| (title.clone(), target["expr"].as_str().unwrap().to_owned()))
    });
    let filled =
        |query: String| query.replace("$namespace", ".*").replace("$job", ".*").replace("$__rate_interval", "5s");
    queries.map(|(title, query)| (title, filled(query))).collect()
}

/// Names of metrics in a query.
fn names(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words.filter(|word| word.starts_with("sqlmig_")).map(str::to_owned).collect()
}

/// Every name that a sample of sqlmig's may have.
fn exported() -> BTreeSet<String> {
    let parts = |kind| match kind {
        Kind::Histogram => vec!["_bucket", "_sum", "_count"],
        Kind::Counter | Kind::Gauge => vec![""],
    };
    METRICS
        .iter()
        .flat_map(|metric| parts(metric.kind).into_iter().map(|part| format!("{}{part}", metric.name)))
        .collect()
}

#[test]
fn alerts_and_dashboard_name_only_metrics_that_there_are() {
    let exported = exported();
    let alerts = alerts();
    let rules = alerts["groups"][0]["rules"].as_array().unwrap();
    let mut queries: Vec<(String, String)> = queries();
    queries.extend(
        rules
            .iter()
            .map(|rule| (rule["alert"].as_str().unwrap().to_owned(), rule["expr"].as_str().unwrap().to_owned())),
    );
    for (place, query) in &queries {
        let named = names(query);
        assert!(!named.is_empty(), "{place} asks for nothing: {query}");
        let unknown: Vec<&String> = named.difference(&exported).collect();
        assert!(unknown.is_empty(), "{place} asks for what sqlmig does not export: {unknown:?}");
    }
    assert!(rules.len() >= 6 && dashboard()["panels"].as_array().unwrap().len() >= 12);
    let page = include_str!("../../docs/monitoring.md");
    for rule in rules {
        let alert = rule["alert"].as_str().unwrap();
        assert!(page.contains(&format!("`{alert}`")), "docs/monitoring.md does not say what to do about {alert}");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{alert}");
    }
}

#[test]
fn every_alert_is_shown_to_fire_and_not_to_fire() {
    let tests = fs::read_to_string(folder().join("alerts.test.yaml")).unwrap();
    for rule in alerts()["groups"][0]["rules"].as_array().unwrap() {
        let alert = rule["alert"].as_str().unwrap();
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} is never seen to fire");
        assert!(
            tests.contains(&format!("alertname: {alert}, eval_time: 3h, exp_alerts: []")),
            "{alert} is never seen not to"
        );
    }
}

#[test]
fn the_monitor_is_valid_by_the_schemas_of_kubernetes() {
    assert_eq!(invalid(&folder().join("monitor.yaml")), "");
    // Who scrapes finds the port by its name.
    let monitor = fs::read_to_string(folder().join("monitor.yaml")).unwrap();
    let scraped = fs::read_to_string(folder().join("podmonitor.yaml")).unwrap();
    assert!(monitor.contains("{name: metrics, containerPort: 9464}") && scraped.contains("port: metrics"));
    if let Some(kubectl) = kubectl() {
        let made = render(&kubectl, &folder());
        for kind in ["Deployment", "NetworkPolicy", "PodMonitor", "PrometheusRule", "ConfigMap"] {
            assert!(made.contains(&format!("kind: {kind}\n")), "{kind}");
        }
    }
}

/// Runs promtool; a test that needs it fails where it is not there.
fn promtool(arguments: &[&str], folder: &Path, input: Option<&str>) {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool is installed (Debian: apt-get install prometheus)");
    if let Some(input) = input {
        use std::io::Write as _;
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    }
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

/// Whether a program of Prometheus' is there; where it must be, it is an error that it is not.
fn is_there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "install {program} (Debian's package prometheus)");
    if !there {
        eprintln!("passed over: there is no {program} (Debian's package prometheus)");
    }
    there
}

#[test]
fn promtool_finds_nothing_wrong_with_the_alerts() {
    if !is_there("promtool") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("rules.yaml"), alerts().to_string()).unwrap();
    fs::copy(folder().join("alerts.test.yaml"), scratch.path().join("alerts.test.yaml")).unwrap();
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"], scratch.path(), None);
    promtool(&["test", "rules", "alerts.test.yaml"], scratch.path(), None);
}

/// A run with everything that a panel may show: rejected rows, embeddings that cost, many batches, and time to look.
async fn eventful(db: &TestDb, service: &Service, scratch: &Path) -> Running {
    let dump = scratch.join("dump.sql").display().to_string();
    let faults = "--faults content_empty=2% --faults embedding_missing=15%";
    finish(bare(&format!("generate {dump} --documents 900 {faults}"))).await.code(0);
    let client = db.connect().await;
    let slow = "create function public.slow() returns trigger language plpgsql as \
                $$ begin perform pg_sleep(tg_argv[0]::float8); return new; end $$; \
                create trigger slow before insert on sqlmig.chunk for each row execute function public.slow('0.7'); \
                create trigger slow before update on sqlmig.batch for each row execute function public.slow('0.15')";
    client.batch_execute(slow).await.unwrap();
    let line = format!(
        "run {dump} --batch-size 10 --max-rejects 5% --metrics-addr 127.0.0.1:0 --disk-limit 10GiB --embedding-batch 4 \
         --embedding-concurrency 2 --embedding-price 0.13"
    );
    let mut command = on(db, &line).await;
    service.state.latency_ms.store(300, std::sync::atomic::Ordering::SeqCst);
    command.env("SQLMIG_EMBEDDING_URL", service.url()).env("SQLMIG_EMBEDDING_MODEL", "text-embedding-3-large");
    Running::start(command)
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_exposition() {
    if !is_there("promtool") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let db = TestDb::from(&MIGRATED, "promtool").await;
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let run = eventful(&db, &service, scratch.path()).await;
    let address = run.metrics().await;
    let mut seen = BTreeSet::new();
    let since = Instant::now();
    while since.elapsed() < Duration::from_mins(2) {
        let Ok(answer) = tokio::time::timeout(Duration::from_secs(10), get(&address, "/metrics")).await else { break };
        promtool(&["check", "metrics"], scratch.path(), Some(&answer.1));
        seen.extend(answer.1.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(str::to_owned));
        let promotes = answer.1.contains("sqlmig_phase_active{phase=\"promote\"} 1");
        if promotes && answer.1.contains("sqlmig_busy_ratio") && answer.1.contains("sqlmig_promotion_workers") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    run.end().await.code(0);
    let monitor = Running::start(on(&db, "monitor --metrics-addr 127.0.0.1:0").await);
    let ended = get(&monitor.metrics().await, "/metrics").await.1;
    promtool(&["check", "metrics"], scratch.path(), Some(&ended));
    seen.extend(ended.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(str::to_owned));
    let mut monitor = monitor;
    monitor.kill();
    for metric in &METRICS {
        let line = format!("{} {}", metric.name, metric.kind.as_str());
        assert!(seen.contains(&line), "{line} was never served");
    }
}

/// A real Prometheus that scrapes one address every second.
struct Prometheus {
    running: Running,
    address: String,
}

impl Prometheus {
    async fn start(scratch: &Path, target: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let config = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "sqlmig", "static_configs": [{"targets": [target]}]}],
        });
        fs::write(scratch.join("prometheus.yaml"), config.to_string()).unwrap();
        let mut command = Command::new("prometheus");
        command.current_dir(scratch).args([
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=prometheus",
            &format!("--web.listen-address={address}"),
        ]);
        let prometheus = Self { running: Running::start(command), address };
        let since = Instant::now();
        while tokio::net::TcpStream::connect(&prometheus.address).await.is_err() {
            assert!(since.elapsed() < Duration::from_secs(30), "{}", prometheus.running.stderr());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        prometheus
    }

    /// What a query yields over a time.
    async fn range(&self, query: &str, from: u64, to: u64) -> Vec<picture::Series> {
        let encoded = query.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
        let path = format!("/api/v1/query_range?query={encoded}&start={from}&end={to}&step=1");
        let body = get(&self.address, &path).await.1;
        // Its answers come in chunks: what is JSON stands between the first brace and the last.
        let json = &body[body.find('{').unwrap()..=body.rfind('}').unwrap()];
        let json: String =
            json.lines().filter(|line| line.len() > 8 || !line.trim().chars().all(|c| c.is_ascii_hexdigit())).collect();
        let answer: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().unwrap().iter().map(picture::Series::of).collect()
    }
}

/// Also draws the panels, as `docs/images/dashboard.svg`, with `SQLMIG_WRITE_DOCS=1`.
#[tokio::test]
async fn every_panel_shows_something_of_a_real_run_on_a_real_prometheus() {
    if !is_there("prometheus") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let db = TestDb::from(&MIGRATED, "panels").await;
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let mut monitor = Running::start(on(&db, "monitor --metrics-addr 127.0.0.1:0 --disk-limit 10GiB").await);
    let prometheus = Prometheus::start(scratch.path(), &monitor.metrics().await).await;
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let began = now();
    let run = eventful(&db, &service, scratch.path()).await;
    let outcome = run.end().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let ended = now();
    let mut empty = Vec::new();
    let mut panels = Vec::new();
    for (title, query) in queries() {
        let found = prometheus.range(&query, began, ended).await;
        if !found.iter().any(|series| series.points.iter().any(|(_, value)| value.is_finite())) {
            empty.push(format!("{title}: {query}"));
        }
        panels.push((title, found));
    }
    monitor.kill();
    let mut prometheus = prometheus;
    prometheus.running.kill();
    outcome.code(0);
    assert!(empty.is_empty(), "panels that show nothing:\n{}", empty.join("\n"));
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images/dashboard.svg");
        fs::write(path, picture::draw(&dashboard(), &panels, began, ended)).unwrap();
    }
}
