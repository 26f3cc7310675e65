//! Disk: what a run needs, reckoned from the source's real sizes, and what there is, where it can be seen.

use std::path::PathBuf;

use super::{Subject, Told, size};
use crate::db::DbError;
use crate::outcome::DiskNeeds;

/// What PostgreSQL adds to a row in a table, in bytes.
const ROW_OVERHEAD: i64 = 28;
/// Entries of a row in the B-tree indexes of a final table, in bytes.
const INDEX_ENTRIES: i64 = 200;
/// An undo row of an inserted row, in bytes.
const UNDO_ENTRY: i64 = 160;
/// Text of a number in a vector: `-0.0123456,`; a vector stores 4 bytes for it.
const TEXT_OF_A_NUMBER: i64 = 11;

/// What a run of the source needs, were all its rows new; none without a source.
///
/// Staging and final tables hold a row in about the bytes that it has as text; a vector's text is longer than what is stored, so for
/// these it is a bound. `sqlmig plan` measures.
pub(super) fn needs(subject: &Subject<'_>) -> Option<DiskNeeds> {
    let source = subject.source.as_ref()?;
    let project = subject.wanted.project;
    let mut needs = DiskNeeds::default();
    for table in &source.scanned.tables {
        let stored = table.bytes + table.rows * ROW_OVERHEAD;
        needs.staging_bytes += stored;
        if project.normalise.iter().any(|file| file.from == table.table) {
            needs.target_bytes += stored;
            needs.index_bytes += table.rows * INDEX_ENTRIES;
            needs.undo_bytes += table.rows * UNDO_ENTRY;
            if !project.index.is_empty() {
                // Half the width of a vector, as halfvec, and its neighbours.
                needs.index_bytes += table.bytes / TEXT_OF_A_NUMBER * 2;
            }
        }
    }
    needs.wal_bytes = needs.target_bytes + needs.index_bytes + needs.undo_bytes;
    Some(needs)
}

/// The disk that the server writes to.
pub(super) async fn disk(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let Some(needs) = needs(subject) else { return Ok(Told::nothing()) };
    let what = format!(
        "a run needs about {}: {} staging, {} tables, {} indexes, {} before-images, {} WAL",
        size(needs.sum()),
        size(needs.staging_bytes),
        size(needs.target_bytes),
        size(needs.index_bytes),
        size(needs.undo_bytes),
        size(needs.wal_bytes)
    );
    let mut told = Told { needs: Some(needs), ..Told::nothing() };
    let Some(folder) = folder(subject).await? else {
        return Ok(told.info(format!(
            "{what}; the server's disk can't be seen over SQL: see to it that so much is free where its data and WAL are"
        )));
    };
    let free = match nix::sys::statvfs::statvfs(&folder) {
        Ok(stat) => {
            i64::try_from(u128::from(stat.blocks_available()) * u128::from(stat.fragment_size())).unwrap_or(i64::MAX)
        }
        Err(error) => {
            return Ok(told.info(format!("{what}; the server's disk can't be seen ({error})")));
        }
    };
    let there = format!("{} are free at {}", size(free), folder.display());
    let remedy = "make room, or load in parts with --table; sqlmig finish gives up the before-images of earlier runs";
    told = if free < needs.sum() {
        told.red(format!("{what}, and only {there}"), remedy)
    } else if free < needs.sum() + needs.sum() / 2 {
        told.yellow(format!("{what}, and {there}: little is left for others"), remedy)
    } else {
        told.info(format!("{what}; {there}"))
    };
    Ok(told)
}

/// Where the server keeps its data, if that is on this machine and this role may know.
async fn folder(subject: &Subject<'_>) -> Result<Option<PathBuf>, DbError> {
    if let Some(folder) = subject.wanted.data_folder {
        return Ok(Some(folder.to_owned()));
    }
    let rows = subject.ask_all(include_str!("../../sql/preflight_data_folder.sql"), "ask where the data are").await?;
    let folder = rows.first().map(|row| PathBuf::from(row.get::<_, String>("folder")));
    Ok(folder.filter(|folder| folder.is_dir()))
}
