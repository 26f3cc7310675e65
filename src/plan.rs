//! What a run would do, without doing it: the whole load is tried in one transaction that is rolled back, or, where that can't be, the
//! source is read to its end and the target looked at in READ ONLY transactions.

mod deviation;
mod embedding;
mod error;
mod estimate;
mod scan;
mod trial;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use deadpool_postgres::Pool;

use crate::db::catalog::{target_fingerprint, target_identity};
use crate::db::doing;
use crate::db::ledger::{SourceTable, known_files_now};
use crate::db::migrate::{MigrationSet, pending_files};
use crate::db::staging::DIGEST_TYPE;
use crate::decode::{DecodeError, DumpFacts};
use crate::embed::EmbedOptions;
use crate::event::Events;
use crate::limits::BatchSize;
use crate::names::{STAGING_SCHEMA, TableName};
use crate::outcome::{
    FORMAT, Plan, PlanCheck, PlanCounts, PlanDump, PlanEmbedding, PlanMigration, PlanPromote, PlanRows, PlanTable,
    Severity, StatementCount,
};
use crate::project::{Project, Promote};
use crate::source::Source;
use crate::source::tree::Known;
use crate::stage::{StageOptions, known_shapes};
use crate::stop::Stop;

pub use deviation::deviations;
pub use error::PlanError;
pub use scan::{Counted, Scanned, scan};

use trial::{Pending, Tried};

/// How to plan.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// How the source would be staged.
    pub stage: StageOptions,
    /// Rows of a batch.
    pub batch_size: BatchSize,
    /// How embeddings would be fetched.
    pub embed: EmbedOptions,
    /// Read the source and compare nothing.
    pub quick: bool,
    /// Options that decide what a run does, as the plan is to name them.
    pub named: BTreeMap<String, String>,
}

/// What is known of a source once it was read, whichever way.
struct Read {
    tables: Vec<Counted>,
    facts: DumpFacts,
    ended_early: Option<DecodeError>,
    source_sha256: Option<String>,
}

/// Plans the load of a source into the target that `pool` is connected to. Nothing that it writes stays.
///
/// # Errors
/// The source can't be read at all, the target does not answer, or a transform is wrong.
pub async fn plan(
    pool: &Pool,
    target: String,
    project: &Project,
    source: Source,
    options: &PlanOptions,
    stop: &Stop,
    events: &Events,
) -> Result<Plan, PlanError> {
    let (display, format, progress) = (source.display.clone(), source.compression.to_string(), source.progress());
    let mut client = pool.get().await.map_err(doing("connect"))?;
    if let (Some(handle), Some(known)) = (source.known_files(), &project.settings.known_files) {
        let mut set = Known::default();
        known_files_now(&**client, known, options.embed.client.is_some(), |file| set.insert(file)).await?;
        handle.tell(set);
    }
    let database = target_identity(&**client).await?;
    let target_schema = target_fingerprint(&**client, project.promote.iter().map(|promote| &promote.target)).await?;
    let pending = pending(pool, project).await?;

    let mut tx = client.transaction().await.map_err(doing("begin a trial"))?;
    let why_not = if options.quick {
        Some("only the source was asked for".to_owned())
    } else {
        trial::open(&tx, project, &pending, options).await?
    };
    let (read, tried, embeddings) = if why_not.is_none() {
        let mut tried = trial::run(&mut tx, project, source, options, stop, events).await?;
        tx.rollback().await.map_err(doing("end the trial"))?;
        let embeddings = std::mem::take(&mut tried.embeddings);
        (Read::of_trial(&mut tried), Some(tried), embeddings)
    } else {
        tx.rollback().await.map_err(doing("end the trial"))?;
        let (read, embeddings) = only_read(&client, project, source, options, events).await?;
        (read, None, embeddings)
    };
    let counts = PlanCounts { compared: tried.is_some(), why_not };
    let source_bytes = i64::try_from(progress.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
    let migrations = pending.named(&project.name);
    let present = |name: &TableName| read.tables.iter().any(|counted| counted.table == *name);
    let fed = |relation: &str| project.normalise.iter().any(|file| file.into == relation && present(&file.from));
    let skipped = |relation: &str| (!fed(relation)).then(|| format!("no table of the source feeds {relation}"));
    Ok(Plan {
        format: FORMAT,
        project: project.name.clone(),
        project_hash: project.hash.clone(),
        target,
        database,
        target_schema,
        source: display,
        source_sha256: read.source_sha256.clone().unwrap_or_default(),
        source_format: format,
        source_bytes,
        dumps: dumps(&read.facts),
        encoding: read.facts.encoding.clone().unwrap_or_else(|| "UTF8".into()),
        complete: read.ended_early.is_none(),
        options: options.named.clone(),
        counts,
        tables: read.tables.iter().map(|table| of_table(table, project, options.batch_size, tried.as_ref())).collect(),
        other_statements: other_statements(&read.facts),
        pending_migrations: migrations.iter().map(|file| format!("{}: {}", file.set, file.name)).collect(),
        migrations,
        checks: checks(project, &skipped, tried.as_ref()),
        promote: project.promote.iter().map(|promote| step(promote, &skipped, tried.as_ref())).collect(),
        embeddings,
        estimate: tried.as_ref().map(|tried| tried.estimate.clone()),
        refused: tried.map(|tried| tried.refused).unwrap_or_default(),
        warnings: warnings(&read),
    })
}

impl Read {
    fn of_trial(tried: &mut Tried) -> Self {
        let staged = &mut tried.staged;
        let tables = staged.tables.iter().map(|table| Counted {
            table: table.source.clone(),
            columns: of_source(table),
            rows: table.rows_read,
            bytes: table.bytes_read,
        });
        Self {
            tables: tables.collect(),
            facts: staged.facts.clone(),
            ended_early: staged.ended_early.take(),
            source_sha256: staged.source_sha256.clone(),
        }
    }
}

/// The source's own columns of a staged table: the digests that sqlmig adds are the only bytes.
fn of_source(table: &SourceTable) -> Vec<String> {
    let typed = table.columns.iter().zip(&table.column_types);
    typed.filter(|(_, type_name)| *type_name != DIGEST_TYPE).map(|(name, _)| name.clone()).collect()
}

/// Reads a source to its end and counts its rows.
async fn only_read(
    client: &deadpool_postgres::Client,
    project: &Project,
    source: Source,
    options: &PlanOptions,
    events: &Events,
) -> Result<(Read, Vec<PlanEmbedding>), PlanError> {
    let mut how = options.stage.scan.clone();
    how.known.extend(known_shapes(&***client).await?);
    let digest = source.digest();
    events.emit(crate::event::Event::SourceOpened { bytes: source.stored_bytes });
    let (reader, tokenizer, told) = (project.clone(), options.embed.tokenizer, events.clone());
    let read = tokio::task::spawn_blocking(move || scan(source, how, &reader, tokenizer, &told))
        .await
        .map_err(|panic| PlanError::Thread(panic.to_string()))??;
    let mut embeddings = Vec::new();
    for counter in read.embeddings {
        embeddings.push(counter.sum(&***client, &options.embed).await?);
    }
    let source_sha256 = digest.get().map(|digest| crate::names::hex(&digest));
    Ok((Read { tables: read.tables, facts: read.facts, ended_early: read.ended_early, source_sha256 }, embeddings))
}

/// The migrations that a run would apply first.
async fn pending(pool: &Pool, project: &Project) -> Result<Pending, PlanError> {
    let files = project.migrations.iter().map(|file| (format!("V{}__{}", file.version, file.name), file.sql.clone()));
    let (ledger, own) = (MigrationSet::ledger()?, MigrationSet::project(&project.name, files)?);
    let mut client = pool.get().await.map_err(doing("connect"))?;
    let tx = client.transaction().await.map_err(doing("look at the target"))?;
    tx.batch_execute(include_str!("../sql/read_only.sql")).await.map_err(doing("look at the target"))?;
    Ok(Pending { ledger: pending_files(&*tx, &ledger).await?, project: pending_files(&*tx, &own).await? })
}

impl Pending {
    fn named(self, project: &str) -> Vec<PlanMigration> {
        let of = |set: &str, files: Vec<crate::db::migrate::PendingMigration>| {
            let set = set.to_owned();
            files.into_iter().map(move |file| PlanMigration { set: set.clone(), name: file.name, sql: file.sql })
        };
        of("ledger", self.ledger).chain(of(project, self.project)).collect()
    }
}

fn dumps(facts: &DumpFacts) -> Vec<PlanDump> {
    let dump = |dump: &crate::decode::DumpHeader| PlanDump {
        server_version: dump.server_version.clone(),
        pg_dump_version: dump.pg_dump_version.clone(),
    };
    facts.dumps.iter().map(dump).collect()
}

fn other_statements(facts: &DumpFacts) -> Vec<StatementCount> {
    let count = |(kind, count): (&String, &u64)| StatementCount {
        kind: kind.clone(),
        count: i64::try_from(*count).unwrap_or(i64::MAX),
    };
    facts.statements.iter().map(count).collect()
}

fn warnings(read: &Read) -> Vec<String> {
    let incomplete = read.ended_early.iter().map(|error| format!("the source is incomplete: {error}"));
    let stray = (read.facts.stray_line_count > 0)
        .then(|| format!("{} lines of the source are no SQL and are passed over", read.facts.stray_line_count));
    incomplete.chain(stray).collect()
}

fn of_table(counted: &Counted, project: &Project, batch_size: BatchSize, tried: Option<&Tried>) -> PlanTable {
    let users = project.normalise.iter().filter(|file| file.from == counted.table);
    let used_by: Vec<String> = users.map(|file| file.file.name.clone()).collect();
    PlanTable {
        source: counted.table.to_string(),
        staged_as: format!("{STAGING_SCHEMA}.{}", TableName::unqualified(counted.table.staged_as())),
        rows: counted.rows,
        bytes: counted.bytes,
        columns: counted.columns.clone(),
        batches: if used_by.is_empty() { 0 } else { batches(counted, batch_size) },
        used_by,
        fate: tried.and_then(|tried| tried.fates.get(&counted.table.to_string()).copied()),
    }
}

/// Batches that a table's rows make.
fn batches(table: &Counted, batch_size: BatchSize) -> i64 {
    let [rows, bytes] = [table.rows, table.bytes].map(|count| u64::try_from(count).unwrap_or_default());
    i64::try_from(rows.div_ceil(batch_size.rows(rows, bytes))).unwrap_or(i64::MAX)
}

/// Checks, duplicate rules and proofs in the order they would run.
fn checks(project: &Project, skipped: &impl Fn(&str) -> Option<String>, tried: Option<&Tried>) -> Vec<PlanCheck> {
    let checks = project.check.iter().map(|check| (&check.file, check.on.clone(), check.severity, skipped(&check.on)));
    let rules = project.dedup.iter().map(|rule| (&rule.file, rule.on.clone(), Severity::Warn, skipped(&rule.on)));
    let proofs = project.validate.iter().map(|proof| (&proof.file, proof.on.to_string(), proof.severity, None));
    let found = |phase: &str, name: &str| -> Option<i64> {
        let of = |found: &&crate::check::TrialFound| found.phase == phase && found.name == name;
        let rows: Vec<i64> = tried?.found.iter().filter(of).map(|found| found.rows).collect();
        (!rows.is_empty()).then(|| rows.iter().sum())
    };
    checks
        .chain(rules)
        .chain(proofs)
        .map(|(file, on, severity, skipped)| PlanCheck {
            name: file.name.clone(),
            phase: file.phase.as_str().to_owned(),
            on,
            severity,
            summary: file.summary.clone(),
            skipped,
            found: found(file.phase.as_str(), &file.name),
        })
        .collect()
}

fn step(promote: &Promote, skipped: &impl Fn(&str) -> Option<String>, tried: Option<&Tried>) -> PlanPromote {
    let own = |step: &&crate::promote::TrialStep| step.transform == promote.file.name;
    let steps: Vec<_> = tried.into_iter().flat_map(|tried| &tried.steps).filter(own).collect();
    let mut rows = PlanRows::default();
    for step in &steps {
        if step.deletes {
            rows.delete += step.existing;
        } else {
            rows.insert += step.incoming - step.existing;
            rows.update += step.differing;
            rows.unchanged += step.existing - step.differing;
        }
    }
    PlanPromote {
        transform: promote.file.name.clone(),
        target: promote.target.to_string(),
        from: promote.from.clone(),
        skipped: promote.from.as_deref().or(promote.needs.as_deref()).and_then(skipped),
        rows: (!steps.is_empty()).then_some(rows),
        reads_changed: steps.first().map(|step| step.reads_changed.clone()).unwrap_or_default(),
    }
}
