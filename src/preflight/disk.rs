//! Disk: what a run needs, reckoned from the source's real sizes, and what there is, where it can be seen.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;

use super::{Subject, Told, size};
use crate::db::DbError;
use crate::names::TableName;
use crate::outcome::DiskNeeds;

/// What PostgreSQL adds to a row in a table, in bytes.
const ROW_OVERHEAD: i64 = 28;
/// Entries of a row in the B-tree indexes of a final table, in bytes.
const INDEX_ENTRIES: i64 = 200;
/// An undo row but for the old row of one that is replaced: key, hash, run and batch, in bytes.
const UNDO_ENTRY: i64 = 160;
/// Text of a number in a vector: `-0.0123456,`; a vector stores 4 bytes for it.
const TEXT_OF_A_NUMBER: i64 = 11;

/// What a run of the source needs, were each of its rows written, in place of another as far as there are others; none
/// without a source.
///
/// Staging and final tables hold a row in about the bytes that it has as text; a vector's text is longer than what is
/// stored, so for these it is a bound. `sqlmig plan` measures.
pub(super) async fn needs(subject: &Subject<'_>) -> Result<Option<DiskNeeds>, DbError> {
    let Some(source) = subject.source.as_ref() else { return Ok(None) };
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
    needs.undo_bytes += replaced(subject).await?;
    needs.wal_bytes = needs.target_bytes + needs.index_bytes + needs.undo_bytes;
    Ok(Some(needs))
}

/// Bytes of the rows in final tables that the source's rows may replace: an update keeps the whole old row.
async fn replaced(subject: &Subject<'_>) -> Result<i64, DbError> {
    let Some(source) = subject.source.as_ref() else { return Ok(0) };
    let project = subject.wanted.project;
    let mut fed: BTreeMap<&str, i64> = BTreeMap::new();
    for table in &source.scanned.tables {
        for file in project.normalise.iter().filter(|file| file.from == table.table) {
            *fed.entry(file.into.as_str()).or_default() += table.rows;
        }
    }
    let rows_of = |relation: &String| fed.get(relation.as_str()).copied().unwrap_or_default();
    let mut written: BTreeMap<TableName, i64> = BTreeMap::new();
    for promote in &project.promote {
        if promote.needs.as_ref().is_some_and(|relation| rows_of(relation) == 0) {
            continue;
        }
        // Without a relation whose rows are counted it may write any row of its table.
        let rows = promote.from.as_ref().map_or(i64::MAX, rows_of);
        let sum = written.entry(promote.target.clone()).or_default();
        *sum = sum.saturating_add(rows);
    }
    let asked = include_str!("../../sql/preflight_target_sizes.sql");
    let mut bytes = 0;
    for row in subject.ask_of_targets(asked, "measure the final tables").await? {
        let table = TableName::new(row.get::<_, &str>("schema"), row.get::<_, &str>("name"));
        let rows = written.get(&table).copied().unwrap_or_default();
        bytes += share(row.get("bytes"), rows, row.get("rows"));
    }
    Ok(bytes)
}

/// Bytes of so many of a table's rows, at their mean width; all of it where that many are not known to be there.
fn share(bytes: i64, rows: i64, of: i64) -> i64 {
    match (rows, of) {
        (0, _) => 0,
        (rows, of) if rows >= of => bytes,
        (rows, of) => i64::try_from(i128::from(bytes) * i128::from(rows) / i128::from(of)).unwrap_or(bytes),
    }
}

/// The disk that the server writes to.
pub(super) async fn disk(subject: &mut Subject<'_>) -> Result<Told, DbError> {
    let Some(needs) = needs(subject).await? else { return Ok(Told::nothing()) };
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
    let free = match free(&folder) {
        Ok(free) => free,
        Err(error) => {
            return Ok(told.info(format!("{what}; the server's disk can't be seen ({error})")));
        }
    };
    let wal = place(&folder, &folder.join("pg_wal"));
    let here = if matches!(wal, Place::Apart(_)) { needs.sum() - needs.wal_bytes } else { needs.sum() };
    let there = format!("{} are free at {}", size(free), folder.display());
    let remedy = "make room, or load in parts with --table; sqlmig finish gives up the before-images of earlier runs";
    told = if free < here {
        told.red(format!("{what}, and only {there}"), remedy)
    } else if free < here + here / 2 {
        told.yellow(format!("{what}, and {there}: little is left for others"), remedy)
    } else {
        told.info(format!("{what}; {there}"))
    };
    told = match wal {
        Place::Beside => told,
        Place::Apart(free) if free < needs.wal_bytes => told.yellow(
            format!(
                "pg_wal lies on another file system, where only {} are free for {} of WAL",
                size(free),
                size(needs.wal_bytes)
            ),
            "make room there, or see to it that checkpoints, the archive and every slot keep up with the load",
        ),
        Place::Apart(free) => told.info(format!("pg_wal lies on another file system, where {} are free", size(free))),
        Place::Unseen => told.info("whether pg_wal lies on another file system can't be seen"),
    };
    tablespaces(subject, &folder, here, told).await
}

/// Tablespaces that a run writes to, where they are not on the file system of the data. Which bytes go where is not
/// reckoned.
async fn tablespaces(subject: &Subject<'_>, data: &Path, needed: i64, mut told: Told) -> Result<Told, DbError> {
    let asked = include_str!("../../sql/preflight_tablespaces.sql");
    for row in subject.ask_of_targets(asked, "look at the tablespaces").await? {
        let (name, location): (String, String) = (row.get("name"), row.get("folder"));
        // One in place names its folder from that of the data.
        let folder = data.join(&location);
        let what = format!("tablespace {name} lies on another file system, at {location}");
        told = match place(data, &folder) {
            Place::Beside => told,
            Place::Apart(free) if free < needed => told.yellow(
                format!("{what}, where {} are free: too little, were all of it written there", size(free)),
                "make room there, or reckon what of staging, tables and indexes it takes",
            ),
            Place::Apart(free) => told.info(format!("{what}, where {} are free", size(free))),
            Place::Unseen => told
                .info(format!("whether tablespace {name}, at {location}, lies on another file system can't be seen")),
        };
    }
    Ok(told)
}

/// Where a folder of the server's is.
enum Place {
    /// On the file system of its data.
    Beside,
    /// On another one, with so many bytes free.
    Apart(i64),
    /// This process may not look.
    Unseen,
}

fn place(data: &Path, folder: &Path) -> Place {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev());
    match (device(data), device(folder)) {
        (Ok(one), Ok(other)) if one == other => Place::Beside,
        (Ok(_), Ok(_)) => free(folder).map_or(Place::Unseen, Place::Apart),
        _ => Place::Unseen,
    }
}

/// Bytes that are free where a folder is.
fn free(folder: &Path) -> Result<i64, Errno> {
    let stat = statvfs(folder)?;
    Ok(i64::try_from(u128::from(stat.blocks_available()) * u128::from(stat.fragment_size())).unwrap_or(i64::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_is_at_most_the_table() {
        assert_eq!(share(1000, 0, 10), 0);
        assert_eq!(share(1000, 5, 10), 500);
        assert_eq!(share(1000, 10, 10), 1000);
        assert_eq!(share(1000, i64::MAX, 10), 1000);
        // How many rows there are is not known of a table that was never looked at.
        assert_eq!(share(1000, 5, 0), 1000);
        assert_eq!(share(i64::MAX, 1 << 40, 1 << 41), i64::MAX / 2);
    }
}
