//! The source: whether it is whole, and how long it would take.

use deadpool_postgres::Transaction;
use uuid::Uuid;

use super::{Subject, Told, size};
use crate::db::place::make_session_tables;
use crate::db::{DbError, doing};
use crate::event::Events;
use crate::outcome::TimeEstimate;
use crate::stage::{StageError, TrialStaged, stage_trial};

/// Bytes of rows that are staged to measure: a few chunks, done within a second or two.
const PROBE_BYTES: u64 = 8 << 20;

/// Whether the source is whole and of use.
pub(super) async fn whole(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let Some(source) = &subject.source else { return Ok(Told::nothing()) };
    let (scanned, project) = (&source.scanned, subject.wanted.project);
    let rows: i64 = scanned.tables.iter().map(|table| table.rows).sum();
    let bytes: i64 = scanned.tables.iter().map(|table| table.bytes).sum();
    let used: i64 = scanned
        .tables
        .iter()
        .filter(|table| project.normalise.iter().any(|file| file.from == table.table))
        .map(|table| table.rows)
        .sum();
    let mut told = Told::nothing();
    if let Some(error) = &scanned.ended_early {
        told = told
            .red(format!("the source is incomplete: {error}"), "get it whole; --allow-incomplete loads what there is");
    }
    let tables = scanned.tables.len();
    Ok(if used == 0 {
        told.red(
            format!("the source has {rows} rows in {tables} tables, and project {} uses none of them", project.name),
            "name the project that knows these tables with --project, or write a normalise transform",
        )
    } else {
        told.info(format!(
            "the source has {rows} rows in {tables} tables ({}), {used} of which the project uses",
            size(bytes)
        ))
    })
}

/// How long a run would take: part of the source is staged into a temporary table, measured, and taken back.
pub(super) async fn time(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let Some(source) = &mut subject.source else { return Ok(Told::nothing()) };
    let all: i64 = source.scanned.tables.iter().map(|table| table.bytes).sum();
    let rows: i64 = source.scanned.tables.iter().map(|table| table.rows).sum();
    let Some(again) = source.again.take() else {
        return Ok(Told::nothing().info("no probe: the source can be read only once"));
    };
    let probed = match probe(subject, again).await {
        Ok(probed) => probed,
        Err(error) => {
            let remedy = error.hint().unwrap_or_else(|| "sqlmig plan SOURCE says more".to_owned());
            return Ok(Told::nothing()
                .yellow(format!("part of the source could not be staged to measure it: {error}"), remedy));
        }
    };
    let probed_bytes = i64::try_from(probed.row_bytes).unwrap_or(i64::MAX);
    let probed_ms = i64::try_from(probed.elapsed.as_millis()).unwrap_or(i64::MAX).max(1);
    if probed_bytes == 0 {
        return Ok(Told::nothing().info("no probe: the source has no rows"));
    }
    let scaled = i128::from(probed_ms) * i128::from(all) / i128::from(probed_bytes);
    let stage_ms = i64::try_from(scaled).unwrap_or(i64::MAX);
    let promote_ms = past_speed(subject).await?.map(|per_row| milliseconds(per_row, rows));
    let estimate = TimeEstimate { probed_bytes, probed_ms, stage_ms, promote_ms };
    let promotion = promote_ms.map_or_else(
        || "promotion was never measured here: sqlmig plan SOURCE measures the part that reads".to_owned(),
        |promote_ms| format!("promotion about {} by the speed of earlier runs here", clock(promote_ms)),
    );
    let message = format!(
        "staging takes about {}: {} were staged in {} (measured, one connection, into a temporary table); {promotion}",
        clock(stage_ms),
        size(probed_bytes),
        clock(probed_ms)
    );
    Ok(Told { time: Some(estimate), ..Told::nothing() }.info(message))
}

/// Stages the source's first rows in a transaction that is rolled back.
async fn probe(subject: &Subject<'_>, again: crate::source::Source) -> Result<TrialStaged, StageError> {
    let wanted = subject.wanted;
    let pool = wanted.target.pool(1)?;
    let mut client = pool.get().await.map_err(doing("connect for the probe"))?;
    let tx: Transaction<'_> = client.transaction().await.map_err(doing("begin the probe"))?;
    let lock = wanted.stage.timeouts.lock.as_millis().to_string();
    let settings = include_str!("../../sql/trial_settings.sql");
    tx.query_one(settings, &[&lock]).await.map_err(doing("begin the probe"))?;
    make_session_tables(&tx).await?;
    let (options, most) = (wanted.stage.clone(), Some(PROBE_BYTES));
    let probed = stage_trial(&tx, Uuid::nil(), again, options, most, wanted.stop, &Events::none()).await;
    tx.rollback().await.map_err(doing("end the probe"))?;
    probed
}

/// Milliseconds that a row took in the promotion of earlier runs into this database; none without any.
async fn past_speed(subject: &Subject<'_>) -> Result<Option<f64>, DbError> {
    if !crate::db::catalog::has_ledger(subject.generic()).await? {
        return Ok(None);
    }
    let asked = include_str!("../../sql/preflight_past_speed.sql");
    Ok(subject.ask(asked, "look at earlier runs").await?.get("per_row"))
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an estimate")]
fn milliseconds(per_row: f64, rows: i64) -> i64 {
    (per_row * rows as f64) as i64
}

/// A time as people say it.
fn clock(milliseconds: i64) -> String {
    match milliseconds {
        ..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", milliseconds / 60_000, milliseconds / 1000 % 60),
        _ => format!("{} h {} min", milliseconds / 3_600_000, milliseconds / 60_000 % 60),
    }
}
