//! What a run would do, without doing it: reads the source to its end and the target in READ ONLY transactions.

mod embedding;

use std::collections::HashMap;

use deadpool_postgres::Pool;

use crate::db::ledger::{KnownError, known_files_now};
use crate::db::migrate::{MigrateError, MigrationSet, pending};
use crate::db::{DbError, doing};
use crate::decode::{DecodeError, DumpFacts, Item, ScanOptions, Scanner};
use crate::embed::EmbedOptions;
use crate::event::{Event, Events};
use crate::limits::BatchSize;
use crate::names::{STAGING_SCHEMA, TableName};
use crate::outcome::{FORMAT, Plan, PlanCheck, PlanDump, PlanPromote, PlanTable, StatementCount};
use crate::project::Project;
use crate::source::Source;
use crate::source::tree::Known;
use crate::stage::known_shapes;
use crate::tokens::Tokenizer;

use embedding::Counter;

/// Why a plan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The source can't be read.
    #[error("the source can't be read: {0}")]
    Decode(#[source] Box<DecodeError>),
    /// A thread failed.
    #[error("reading the source failed: {0}")]
    Thread(String),
    /// A migration is misnamed.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// It is not known which files of a tree are known.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PlanError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Decode(error) => error.hint(),
            Self::Thread(_) => None,
            Self::Migrate(error) => error.hint(),
            Self::Known(error) => error.hint(),
            Self::Db(error) => error.hint(),
        }
    }
}

/// Rows and bytes of one table, as the scanner counts them.
struct Counted {
    table: TableName,
    columns: Vec<String>,
    rows: i64,
    bytes: i64,
}

/// What was read of the source.
struct Read {
    tables: Vec<Counted>,
    embeddings: Vec<Counter>,
    facts: DumpFacts,
    ended_early: Option<DecodeError>,
}

/// Plans the load of a source into the target that `pool` is connected to.
///
/// # Errors
/// The source can't be read at all, or the target does not answer.
#[expect(clippy::too_many_arguments, reason = "what a plan is made of, each of another kind")]
pub async fn plan(
    pool: &Pool,
    target: String,
    project: &Project,
    source: Source,
    scan: ScanOptions,
    batch_size: BatchSize,
    embed: &EmbedOptions,
    events: &Events,
) -> Result<Plan, PlanError> {
    let (display, format, progress) = (source.display.clone(), source.compression.to_string(), source.progress());
    events.emit(Event::SourceOpened { bytes: source.stored_bytes });
    let told = events.clone();
    let client = pool.get().await.map_err(doing("connect"))?;
    let mut scan = scan;
    scan.known.extend(known_shapes(&**client).await?);
    if let (Some(handle), Some(known)) = (source.known_files(), &project.settings.known_files) {
        let mut set = Known::default();
        known_files_now(&**client, known, |file| set.insert(file)).await?;
        handle.tell(set);
    }
    drop(client);
    let (reader, tokenizer) = (project.clone(), embed.tokenizer);
    let read = tokio::task::spawn_blocking(move || read(source, scan, &reader, tokenizer, &told))
        .await
        .map_err(|panic| PlanError::Thread(panic.to_string()))??;
    let pending_migrations = pending_migrations(pool, project).await?;
    let client = pool.get().await.map_err(doing("connect"))?;
    let mut embeddings = Vec::new();
    for counter in read.embeddings {
        embeddings.push(counter.sum(&**client, embed).await?);
    }
    drop(client);
    let present = |name: &TableName| read.tables.iter().any(|counted| counted.table == *name);
    let fed = |relation: &str| project.normalise.iter().any(|file| file.into == relation && present(&file.from));
    let skipped = |relation: &str| (!fed(relation)).then(|| format!("no table of the source feeds {relation}"));
    let mut warnings: Vec<String> = Vec::new();
    if let Some(error) = &read.ended_early {
        warnings.push(format!("the source is incomplete: {error}"));
    }
    if read.facts.stray_line_count > 0 {
        warnings.push(format!("{} lines of the source are no SQL and are passed over", read.facts.stray_line_count));
    }
    let tables = read.tables.iter().map(|counted| {
        let used_by: Vec<String> = project
            .normalise
            .iter()
            .filter(|file| file.from == counted.table)
            .map(|file| file.file.name.clone())
            .collect();
        PlanTable {
            source: counted.table.to_string(),
            staged_as: format!("{STAGING_SCHEMA}.{}", TableName::unqualified(counted.table.staged_as())),
            rows: counted.rows,
            bytes: counted.bytes,
            columns: counted.columns.clone(),
            batches: if used_by.is_empty() { 0 } else { batches(counted, batch_size) },
            used_by,
        }
    });
    Ok(Plan {
        format: FORMAT,
        project: project.name.clone(),
        target,
        source: display,
        source_format: format,
        source_bytes: i64::try_from(progress.load(std::sync::atomic::Ordering::Relaxed)).unwrap_or(i64::MAX),
        dumps: read
            .facts
            .dumps
            .iter()
            .map(|dump| PlanDump {
                server_version: dump.server_version.clone(),
                pg_dump_version: dump.pg_dump_version.clone(),
            })
            .collect(),
        encoding: read.facts.encoding.clone().unwrap_or_else(|| "UTF8".into()),
        complete: read.ended_early.is_none(),
        tables: tables.collect(),
        other_statements: read
            .facts
            .statements
            .iter()
            .map(|(kind, count)| StatementCount {
                kind: kind.clone(),
                count: i64::try_from(*count).unwrap_or(i64::MAX),
            })
            .collect(),
        pending_migrations,
        checks: checks(project, &skipped),
        promote: project
            .promote
            .iter()
            .map(|promote| PlanPromote {
                transform: promote.file.name.clone(),
                target: promote.target.to_string(),
                from: promote.from.clone(),
                skipped: promote.from.as_deref().and_then(skipped),
            })
            .collect(),
        embeddings,
        warnings,
    })
}

/// Batches that a table's rows make.
fn batches(table: &Counted, batch_size: BatchSize) -> i64 {
    let [rows, bytes] = [table.rows, table.bytes].map(|count| u64::try_from(count).unwrap_or_default());
    i64::try_from(rows.div_ceil(batch_size.rows(rows, bytes))).unwrap_or(i64::MAX)
}

/// Checks, duplicate rules and proofs in the order they would run.
fn checks(project: &Project, skipped: &impl Fn(&str) -> Option<String>) -> Vec<PlanCheck> {
    let checks = project.check.iter().map(|check| (&check.file, check.on.clone(), check.severity, skipped(&check.on)));
    let rules = project
        .dedup
        .iter()
        .map(|rule| (&rule.file, rule.on.clone(), crate::outcome::Severity::Warn, skipped(&rule.on)));
    let proofs = project.validate.iter().map(|proof| (&proof.file, proof.on.to_string(), proof.severity, None));
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
        })
        .collect()
}

async fn pending_migrations(pool: &Pool, project: &Project) -> Result<Vec<String>, PlanError> {
    let files = project.migrations.iter().map(|file| (format!("V{}__{}", file.version, file.name), file.sql.clone()));
    let sets = [MigrationSet::ledger()?, MigrationSet::project(&project.name, files)?];
    let mut client = pool.get().await.map_err(doing("connect"))?;
    let tx = client.transaction().await.map_err(doing("look at the target"))?;
    tx.batch_execute(include_str!("../sql/read_only.sql")).await.map_err(doing("look at the target"))?;
    let mut names = Vec::new();
    for set in sets {
        names.extend(pending(&*tx, &set).await?.into_iter().map(|name| format!("{}: {name}", set.name)));
    }
    Ok(names)
}

/// Counts the rows of a source, table by table.
fn read(
    source: Source,
    scan: ScanOptions,
    project: &Project,
    tokenizer: Tokenizer,
    events: &Events,
) -> Result<Read, PlanError> {
    /// Rows between two signs of progress.
    const ROWS_A_SIGN: u64 = 1000;
    let progress = source.progress();
    let mut scanner = Scanner::new(source.into_reader(), scan);
    let mut tables: Vec<Counted> = Vec::new();
    let mut places: HashMap<TableName, usize> = HashMap::new();
    let mut open = None;
    let mut counters: HashMap<TableName, Counter> = HashMap::new();
    let mut counted_in: Option<TableName> = None;
    let mut rows = 0;
    let ended_early = loop {
        let bytes = match scanner.next_item() {
            Ok(None) => break None,
            Ok(Some(Item::Block(block))) => {
                let place = *places.entry(block.table.clone()).or_insert_with(|| {
                    let columns = block.columns.iter().map(|column| column.name.clone()).collect();
                    tables.push(Counted { table: block.table.clone(), columns, rows: 0, bytes: 0 });
                    tables.len() - 1
                });
                open = Some(place);
                counted_in = Counter::of(project, tokenizer, &block).map(|counter| {
                    let earlier = counters.remove(&block.table);
                    counters.insert(block.table.clone(), counter.join(earlier));
                    block.table.clone()
                });
                continue;
            }
            Ok(Some(Item::Row(row))) => {
                if let Some(counter) = counted_in.as_ref().and_then(|table| counters.get_mut(table)) {
                    counter.row(&row);
                }
                row.bytes.len() as u64
            }
            Ok(Some(Item::Oversized(row))) => row.length,
            Err(error) if error.is_incomplete() => break Some(error),
            Err(error) => return Err(PlanError::Decode(Box::new(error))),
        };
        rows += 1;
        if let Some(place) = open {
            tables[place].rows += 1;
            tables[place].bytes += i64::try_from(bytes).unwrap_or(i64::MAX);
        }
        if rows % ROWS_A_SIGN == 0 {
            events.emit(Event::SourceProgress { bytes: progress.load(std::sync::atomic::Ordering::Relaxed), rows });
        }
    };
    let mut embeddings: Vec<(TableName, Counter)> = counters.into_iter().collect();
    embeddings.sort_by(|a, b| a.0.cmp(&b.0));
    let embeddings = embeddings.into_iter().map(|(_, counter)| counter).collect();
    Ok(Read { tables, embeddings, facts: scanner.facts().clone(), ended_early })
}
