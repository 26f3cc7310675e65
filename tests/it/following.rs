//! A run that is followed from elsewhere: by `status`, once and with `--watch`, and by its metrics.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlmig::db::Connection;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{TestDb, server};
use crate::program::{MIGRATED, Outcome, Things, bare, finish, fixture, number, on, sqlmig, text};

/// A dump of so many documents, each of about 40 kB of text: chunks hold 2 MiB of it.
pub async fn dump(folder: &Path, name: &str, documents: usize) -> String {
    let path = folder.join(name).display().to_string();
    finish(bare(&format!("generate {path} --documents {documents}"))).await.code(0);
    path
}

/// Makes every row that goes into a table take so long.
async fn slow(client: &Connection, table: &str, seconds: f64) {
    let statement = format!(
        "create or replace function public.slow() returns trigger language plpgsql as \
         $$ begin perform pg_sleep({seconds}); return new; end $$; \
         create trigger slow before insert on {table} for each row execute function public.slow()"
    );
    client.batch_execute(&statement).await.unwrap();
}

/// A process whose stderr goes to a file.
pub struct Running {
    child: Child,
    folder: TempDir,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        let child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        Self { child, folder }
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("err")).unwrap()
    }

    /// Where it serves metrics, once it says so.
    pub async fn metrics(&self) -> String {
        let since = Instant::now();
        loop {
            let said = self.stderr();
            if let Some((_, rest)) = said.split_once("metrics are served at /metrics address=") {
                return rest.lines().next().unwrap().to_owned();
            }
            assert!(since.elapsed() < Duration::from_secs(30), "{said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn end(mut self) -> Outcome {
        let status = tokio::task::spawn_blocking(move || (self.child.wait().unwrap(), self.folder)).await.unwrap();
        let (status, folder) = status;
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        Outcome { code: status.code().unwrap_or(-1), stdout: text("out"), stderr: text("err") }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What a server answers to a GET: head and body.
pub async fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The value of a metric; `None` where it is not there.
pub fn value(exposition: &str, metric: &str) -> Option<f64> {
    let line = exposition.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

async fn scrape(address: &str) -> String {
    let (head, body) = get(address, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    body
}

/// Asks for the status until it is as it should be.
pub async fn until(db: &TestDb, what: impl Fn(&Value) -> bool) -> Value {
    let since = Instant::now();
    loop {
        let status = sqlmig(db, "status --output json").await;
        if status.code == 0 && what(&status.json()) {
            return status.json();
        }
        assert!(since.elapsed() < Duration::from_mins(1), "in vain: {}\n{}", status.stdout, status.stderr);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_run_is_followed_from_another_process_to_its_end() {
    let (db, folder) = (TestDb::from(&MIGRATED, "followed").await, tempfile::tempdir().unwrap());
    let client = db.connect().await;
    let dump = dump(folder.path(), "d.sql.gz", 300).await;
    let size = i64::try_from(fs::metadata(&dump).unwrap().len()).unwrap();
    // The first batch of documents waits for a lock.
    client
        .batch_execute(
            "create function public.held() returns trigger language plpgsql as \
                 $$ begin perform pg_advisory_xact_lock_shared(4242); return new; end $$; \
             create trigger held before insert on public.documents for each row execute function public.held(); \
             select pg_advisory_lock(4242)",
        )
        .await
        .unwrap();
    let run = on(&db, &format!("run {dump} --no-index --parallel 1 --batch-size 100 --lock-timeout 1min")).await;
    let run = Running::start(run);
    let status = until(&db, |status| status["progress"]["doing"] == "public.documents").await;
    let progress = &status["progress"];
    assert_eq!((&status["activity"], &status["is_conducted"]), (&"working".into(), &true.into()));
    assert_eq!((&progress["doing"], &progress["unit"]), (&"public.documents".into(), &"rows".into()));
    assert!(progress["percent"].as_f64().unwrap() < 50.0 && progress["total"].as_i64().unwrap() >= 300, "{progress}");
    assert_eq!(status["processes"][0]["pid"], run.child.id());
    assert!(status["processes"][0]["rss_bytes"].as_i64().unwrap() > 1 << 20);
    assert!(status["server"]["connections"].as_i64().unwrap() >= 2, "{status}");
    // Staged to the last byte but the trailer, which has no rows.
    let staged = status["source_bytes_done"].as_i64().unwrap();
    assert!(staged <= size && staged > size * 95 / 100, "{staged} of {size}");
    let watch = Running::start(on(&db, "status --watch --interval 200ms --output json").await);
    let plain = Running::start(on(&db, "status --watch --interval 200ms").await);
    tokio::time::sleep(Duration::from_millis(600)).await;
    client.batch_execute("select pg_advisory_unlock(4242)").await.unwrap();
    run.end().await.code(0);
    let watched = watch.end().await.code(0);
    let lines: Vec<Value> = watched.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.first().unwrap()["progress"]["phase"], "promote");
    let last = lines.last().unwrap();
    assert_eq!((&last["run"]["state"], &last["activity"]), (&"done".into(), &"ended".into()));
    assert!(last["progress"].is_null() && last["phases"].as_array().unwrap().len() >= 4, "{last}");
    let written: i64 =
        last["written"].as_array().unwrap().iter().map(|table| table["inserted"].as_i64().unwrap()).sum();
    assert!(written >= 300, "{last}");
    let plain = plain.end().await.code(0).stdout;
    assert!(plain.lines().next().unwrap().contains("promote") && plain.trim_end().ends_with("ended done"), "{plain}");
    assert_eq!(number(&client, "select exit_code from sqlmig.run").await, 0);
    // Once it has ended, whoever watches is told at once.
    sqlmig(&db, "status --watch").await.code(0);
}

#[tokio::test]
async fn a_run_that_was_killed_knows_how_long_it_will_take_when_it_goes_on() {
    let (db, folder) = (TestDb::from(&MIGRATED, "killed").await, tempfile::tempdir().unwrap());
    let client = db.connect().await;
    let dump = dump(folder.path(), "d.sql.gz", 500).await;
    slow(&client, "sqlmig.chunk", 0.7).await;
    let line = format!("stage {dump} --metrics-addr 127.0.0.1:0");
    let mut run = Running::start(on(&db, &line).await);
    let address = run.metrics().await;
    let before = until(&db, |status| status["chunks"].as_i64().unwrap() >= 3).await;
    let during = scrape(&address).await;
    assert_eq!(value(&during, "sqlmig_phase_active{phase=\"stage\"}"), Some(1.0), "{during}");
    assert!(value(&during, "sqlmig_rows_staged_total").unwrap() > 0.0);
    run.kill();
    let percent = |status: &Value| status["progress"]["percent"].as_f64().unwrap();
    assert!(percent(&before) > 5.0 && percent(&before) < 100.0, "{before}");

    // Whoever watches is told that nobody is there; the metrics go on elsewhere.
    sqlmig(&db, "status --watch --patience 1s --interval 200ms").await.code(7).says(&["nobody works on it"]);
    let gone = until(&db, |status| status["activity"] == "silent").await;
    assert_eq!((&gone["is_conducted"], &gone["exit_code"]), (&false.into(), &Value::Null));
    let mut monitor = Running::start(on(&db, "monitor --metrics-addr 127.0.0.1:0").await);
    let address = monitor.metrics().await;
    let after = scrape(&address).await;
    assert_eq!(value(&after, "sqlmig_run_activity{activity=\"silent\"}"), Some(1.0), "{after}");
    let progressed = "sqlmig_run_last_progress_timestamp_seconds";
    assert!(value(&after, progressed) >= value(&during, progressed), "{after}");
    let staged = number(&client, "select sum(rows_staged) from sqlmig.chunk").await;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred rows")]
    let staged = staged as f64;
    assert_eq!(value(&after, "sqlmig_rows_staged_total"), Some(staged));

    let run = Running::start(on(&db, &line).await);
    let again =
        until(&db, |status| status["progress"]["tries"] == 2 && status["progress"]["eta_seconds"].is_number()).await;
    assert!(percent(&again) >= percent(&before), "{again}");
    assert!(again["progress"]["eta_seconds"].as_f64().unwrap() < 120.0, "{again}");
    // The time between the tries is not worked time.
    let worked = again["progress"]["active_seconds"].as_f64().unwrap();
    let spent = again["phases"][0]["seconds"].as_f64().unwrap();
    assert!((worked - spent).abs() < 1.0, "{again}");
    run.end().await.code(0);
    let staged = scrape(&address).await;
    assert!(value(&staged, progressed) > value(&after, progressed), "{staged}");
    assert_eq!(value(&staged, "sqlmig_run_state{state=\"staged\"}"), Some(1.0), "{staged}");
    assert_eq!(value(&staged, "sqlmig_run_exit_code"), Some(0.0));

    // The database goes away: the last values stay, and say that they are no more than that.
    let name = db.target().database().to_owned();
    let own = server().await.target().connect().await.unwrap();
    client.close().await;
    own.batch_execute(&format!(
        "alter database {name} with allow_connections false; \
         select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
    ))
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let stale = scrape(&address).await;
    assert_eq!(value(&stale, "sqlmig_up"), Some(0.0), "{stale}");
    assert_eq!(value(&stale, "sqlmig_rows_staged_total"), value(&staged, "sqlmig_rows_staged_total"));
    assert!(get(&address, "/healthz").await.0.starts_with("HTTP/1.1 200"));
    own.batch_execute(&format!("alter database {name} with allow_connections true")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(value(&scrape(&address).await, "sqlmig_up"), Some(1.0));
    monitor.kill();
}

#[tokio::test]
async fn a_source_from_a_pipe_has_rows_and_a_rate_and_no_percentage() {
    let (db, folder) = (TestDb::from(&MIGRATED, "piped").await, tempfile::tempdir().unwrap());
    let text = fs::read(dump(folder.path(), "d.sql", 300).await).unwrap();
    let mut command = on(&db, "run - --no-index").await;
    command.stdin(Stdio::piped());
    let mut run = Running::start(command);
    let mut pipe = run.child.stdin.take().unwrap();
    let half = text.len() * 2 / 3;
    let (first, rest) = (text[..half].to_vec(), text[half..].to_vec());
    let pipe = tokio::task::spawn_blocking(move || {
        pipe.write_all(&first).unwrap();
        pipe
    });
    let mut pipe = pipe.await.unwrap();
    let held = |status: &Value| {
        status["rows_read"].as_i64().unwrap() > 50 && status["progress"]["rows_per_second"].is_number()
    };
    let status = until(&db, held).await;
    let progress = &status["progress"];
    assert_eq!(progress["phase"], "stage");
    assert!(
        progress["total"].is_null() && progress["percent"].is_null() && progress["eta_seconds"].is_null(),
        "{progress}"
    );
    tokio::task::spawn_blocking(move || pipe.write_all(&rest).unwrap()).await.unwrap();
    run.end().await.code(0);
}

#[tokio::test]
async fn a_batch_that_is_rolled_back_was_never_counted() {
    let db = TestDb::from(&MIGRATED, "rolled_back_batch").await;
    let client = db.connect().await;
    // Every row is written, and at the COMMIT the database waits, then refuses.
    client
        .batch_execute(
            "create function public.refuse() returns trigger language plpgsql as $$ begin \
                 perform pg_advisory_xact_lock_shared(4242); raise exception 'not like this'; end $$; \
             create constraint trigger refuse after insert on public.documents deferrable initially deferred \
                 for each row execute function public.refuse(); \
             select pg_advisory_lock(4242)",
        )
        .await
        .unwrap();
    let line = format!("run {} --no-index --parallel 1 --metrics-addr 127.0.0.1:0", fixture("docs.sql.gz"));
    let run = Running::start(on(&db, &line).await);
    let address = run.metrics().await;
    let since = Instant::now();
    while number(&client, "select count(*) from pg_locks where locktype = 'advisory' and objid = 4242 and not granted")
        .await
        == 0
    {
        assert!(since.elapsed() < Duration::from_mins(1), "{}", run.stderr());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // While a COMMIT waits, the process is heard of, and nothing comes further: that is how a stall is seen.
    let moments = |scraped: &str| {
        ["sqlmig_run_last_progress_timestamp_seconds", "sqlmig_run_last_heard_timestamp_seconds"]
            .map(|metric| value(scraped, metric).unwrap())
    };
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let [progress, heard] = moments(&scrape(&address).await);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let [still, later] = moments(&scrape(&address).await);
    assert!(still - progress < 0.001 && later - heard > 1.0, "{progress} {still}, {heard} {later}");
    let documents = "sqlmig_rows_promoted_total{target=\"public.documents\",result=\"inserted\"}";
    let committed = "sqlmig_batches_committed_total";
    let held = scrape(&address).await;
    let before = value(&held, committed).unwrap();
    assert!(value(&held, documents).is_none_or(|rows| rows < 1.0), "{held}");
    client.batch_execute("select pg_advisory_unlock(4242)").await.unwrap();
    let failed = run.end().await;
    assert_ne!(failed.code, 0);
    let mut monitor = Running::start(on(&db, "monitor --metrics-addr 127.0.0.1:0").await);
    let after = scrape(&monitor.metrics().await).await;
    assert!(value(&after, documents).is_none_or(|rows| rows < 1.0), "{after}");
    assert_eq!(
        (value(&after, committed), value(&after, "sqlmig_run_state{state=\"failed\"}")),
        (Some(before), Some(1.0))
    );
    assert_eq!(value(&after, "sqlmig_run_exit_code"), Some(f64::from(failed.code)));
    monitor.kill();
}

#[tokio::test]
async fn whoever_watches_a_run_that_failed_ends_as_it_did() {
    let db = TestDb::from(&MIGRATED, "watched_failure").await;
    sqlmig(&db, &format!("run {} --max-rejects 0", fixture("docs.sql.gz"))).await.code(3);
    let outcome = sqlmig(&db, "status --watch").await.code(3).says(&["failed", "sqlmig report"]);
    assert!(outcome.stdout.contains("ended failed"), "{}", outcome.stdout);
    // A step by step load that stops after a step is not done.
    let db = TestDb::from(&MIGRATED, "watched_step").await;
    sqlmig(&db, &format!("stage {}", fixture("docs.sql.gz"))).await.code(0);
    sqlmig(&db, "status --watch --patience 1s --interval 200ms")
        .await
        .code(7)
        .says(&["is staged, and nobody works on it"]);
}

#[tokio::test]
async fn a_monitor_begins_without_a_database_and_an_address_that_is_taken_is_named() {
    let mut nowhere = bare("monitor --metrics-addr 127.0.0.1:0");
    nowhere.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable&connect_timeout=1");
    let mut monitor = Running::start(nowhere);
    let address = monitor.metrics().await;
    let away = scrape(&address).await;
    assert_eq!(value(&away, "sqlmig_up"), Some(0.0), "{away}");
    assert_eq!(get(&address, "/healthz").await.1, "ok\n");
    assert!(get(&address, "/other").await.0.starts_with("HTTP/1.1 404"));
    let mut taken = bare(&format!("monitor --metrics-addr {address}"));
    taken.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable");
    finish(taken).await.code(2).says(&["cannot listen on", "another process listens there"]);
    monitor.kill();
    // An empty database has no run: there is nothing to tell, and that can be told.
    let db = TestDb::new("no_run").await;
    let mut monitor = Running::start(on(&db, "monitor --metrics-addr 127.0.0.1:0").await);
    let nothing = scrape(&monitor.metrics().await).await;
    assert_eq!(
        (value(&nothing, "sqlmig_up"), value(&nothing, "sqlmig_rows_read_total")),
        (Some(1.0), None),
        "{nothing}"
    );
    monitor.kill();
}

#[tokio::test]
async fn every_log_line_names_the_run_once_it_is_known() {
    let db = TestDb::new("log_lines").await;
    let line = format!("run {} --max-rejects 0 --log-format json --log-level debug", fixture("docs.sql.gz"));
    let outcome = sqlmig(&db, &line).await.code(3);
    let lines: Vec<Value> = outcome.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let begun = lines.iter().position(|line| line["message"] == "run started").expect("a run began");
    assert!(lines.len() > begun + 5, "{}", outcome.stderr);
    for line in &lines[begun..] {
        assert!(line["run"].is_string(), "no run in {line}");
    }
    assert_eq!(lines.last().unwrap()["code"], 3);
}

/// Also where nothing of the run is gone on with, and no event tells of it.
#[tokio::test]
async fn log_lines_name_the_run_that_an_index_or_embeddings_are_for() {
    let db = TestDb::from(&MIGRATED, "log_index").await;
    let client = db.connect().await;
    sqlmig(&db, &format!("run {} --no-index", fixture("docs.sql.gz"))).await.code(0);
    let id = text(&client, "select id from sqlmig.run").await;
    let lines = |outcome: &Outcome| -> Vec<Value> {
        outcome.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let built = sqlmig(&db, "index --log-format json").await.code(0);
    let told = lines(&built);
    assert!(told.iter().any(|line| line["message"] == "index built"), "{}", built.stderr);
    assert!(told.iter().all(|line| line["run"] == *id), "{}", built.stderr);
    // The error at the end, too.
    client.batch_execute("drop table public.documents cascade").await.unwrap();
    let failed = sqlmig(&db, "index --log-format json").await;
    assert!(failed.code != 0 && lines(&failed).last().unwrap()["run"] == *id, "{}", failed.stderr);

    let db = TestDb::new("log_embed").await;
    let things = Things::new();
    things.run(&db, &["1|one|1|{}|{}|x"]).await.code(0);
    let id = text(&db.connect().await, "select id from sqlmig.run").await;
    // No service, nothing to fetch: what there is to log is a migration.
    let things = things.with("migrations/V2__later.sql", "create table public.later (id bigint primary key);\n");
    let told = things.sqlmig(&db, "embed --log-format json").await.code(0);
    assert!(told.stdout.contains("nothing is fetched"), "{}", told.stdout);
    let told = lines(&told);
    assert!(!told.is_empty() && told.iter().all(|line| line["run"] == *id), "{told:?}");
}
