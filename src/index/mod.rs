//! Builds the indexes of the final tables that would slow a load down a hundredfold if they were there before it.
//!
//! Each is built `CONCURRENTLY`, outside of any transaction: nobody is kept from reading or writing. One that an interrupted build
//! left unusable is dropped and built again.

mod error;

use std::fmt;
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool};

use crate::db::patience::close;
use crate::db::{DbError, doing};
use crate::event::{Event, Events};
use crate::fault;
use crate::names::{TableName, short_hash};
use crate::project::{IndexFile, Project};
use crate::stop::Stop;
use crate::template::{Fragment, render_wrap};

pub use error::IndexError;

/// How often the server is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);
/// What begins the note on an index that sqlmig built.
const NOTE: &str = "sqlmig: ";

/// An index as it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// It is not there.
    Missing,
    /// It is there, and cannot be used: an unfinished build left it.
    Broken,
    /// It is there, built from another definition.
    Outdated,
    /// It is there and can be used.
    Ready,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Indexes that were there.
    pub ready: usize,
    /// Indexes that were built.
    pub built: usize,
    /// Of those, the ones that were there and could not be used, or were of another definition.
    pub replaced: usize,
}

/// "1 index built, 2 are there".
impl fmt::Display for Indexed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indexes = |number: usize| if number == 1 { "1 index".to_owned() } else { format!("{number} indexes") };
        match (self.built, self.ready) {
            (0, 1) => write!(out, "1 index is there"),
            (0, ready) => write!(out, "{} are there", indexes(ready)),
            (built, 0) => write!(out, "{} built", indexes(built)),
            (built, 1) => write!(out, "{} built, 1 is there", indexes(built)),
            (built, ready) => write!(out, "{} built, {ready} are there", indexes(built)),
        }
    }
}

/// Builds the indexes of a project that are not there.
///
/// # Errors
/// A definition is wrong, its name is taken, or the database refuses; what is left of the build then is repaired by the next one.
pub async fn build(pool: &Pool, project: &Project, stop: &Stop, events: &Events) -> Result<Indexed, IndexError> {
    let mut done = Indexed::default();
    for index in &project.index {
        let connection = pool.get().await.map_err(doing("connect"))?;
        let found = find(&connection, project, index).await?;
        if found == IndexState::Ready {
            done.ready += 1;
            continue;
        }
        if found != IndexState::Missing {
            events.warn(format!("index {} {}: it is built again", index.file.name, told(found)));
            done.replaced += 1;
        }
        let worked = build_one(&connection, pool, project, index, found, stop, events).await;
        // Its settings are its own, and after a failure nobody knows what it is at.
        close(connection);
        match worked {
            Ok(()) => done.built += 1,
            // Somebody else was faster: who took over this run, or an operator.
            Err(error) if error.is_there_now() => {
                let connection = pool.get().await.map_err(doing("connect"))?;
                if find(&connection, project, index).await? != IndexState::Ready {
                    return Err(error);
                }
                done.ready += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The indexes of a project that are not there to be used, each with what is wrong.
///
/// # Errors
/// A definition is wrong, or the database does not answer.
pub async fn missing(pool: &Pool, project: &Project) -> Result<Vec<(String, IndexState)>, IndexError> {
    let connection = pool.get().await.map_err(doing("connect"))?;
    let mut missing = Vec::new();
    for index in &project.index {
        let state = find(&connection, project, index).await?;
        if state != IndexState::Ready {
            missing.push((index.file.name.clone(), state));
        }
    }
    Ok(missing)
}

fn told(state: IndexState) -> &'static str {
    match state {
        IndexState::Missing => "is not there",
        IndexState::Broken => "was left unusable by a build that did not end",
        IndexState::Outdated => "is of another definition",
        IndexState::Ready => "is there",
    }
}

/// The index's own name: that of its file, in the schema of its table.
fn own_name(index: &IndexFile) -> TableName {
    TableName { schema: index.on.schema.clone(), table: index.file.name.clone() }
}

fn statement(project: &Project, index: &IndexFile) -> Result<String, IndexError> {
    let body = project.render_plain(&index.file)?;
    let context = minijinja::context! {
        name => Fragment::new(crate::names::ident(&index.file.name)),
        table => Fragment::table(&index.on),
        body => Fragment::new(body),
    };
    Ok(render_wrap("index_create.sql", include_str!("../../sql/wrap/index_create.sql"), context)?)
}

async fn find(connection: &Object, project: &Project, index: &IndexFile) -> Result<IndexState, IndexError> {
    let name = own_name(index);
    let schema = name.schema.clone().unwrap_or_default();
    let row = connection
        .query_opt(include_str!("../../sql/index_state.sql"), &[&schema, &name.table])
        .await
        .map_err(doing("look for the index"))?;
    let Some(row) = row else { return Ok(IndexState::Missing) };
    let on: TableName = row.get::<_, &str>("on_table").parse().unwrap_or_else(|_| TableName::unqualified(""));
    if on != index.on {
        return Err(IndexError::Taken { index: name.to_string(), on: on.to_string(), wanted: index.on.to_string() });
    }
    let note: Option<String> = row.get("note");
    // One without a note was there before sqlmig: whoever built it knows why it is as it is.
    let current = format!("{NOTE}{}", short_hash(&statement(project, index)?));
    Ok(match note {
        _ if !row.get::<_, bool>("is_valid") => IndexState::Broken,
        Some(note) if note.starts_with(NOTE) && note != current => IndexState::Outdated,
        _ => IndexState::Ready,
    })
}

async fn build_one(
    connection: &Object,
    pool: &Pool,
    project: &Project,
    index: &IndexFile,
    found: IndexState,
    stop: &Stop,
    events: &Events,
) -> Result<(), IndexError> {
    let name = own_name(index);
    let action = || format!("build index {name}");
    let row = connection.query_one(include_str!("../../sql/index_session.sql"), &[]).await.map_err(doing(action()))?;
    let pid: i32 = row.get("pid");
    if found != IndexState::Missing {
        let context = minijinja::context! { index => Fragment::table(&name) };
        let drop = render_wrap("index_drop.sql", include_str!("../../sql/wrap/index_drop.sql"), context)?;
        connection.execute(&drop, &[]).await.map_err(doing(format!("drop index {name}")))?;
    }
    let create = statement(project, index)?;
    fault::point("index.build").await;
    let started = Instant::now();
    let no_parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 0] = [];
    // One statement by the extended protocol: what a file says after a semicolon is refused by the server.
    let mut building = std::pin::pin!(connection.execute(&create, &no_parameters));
    loop {
        tokio::select! {
            built = &mut building => {
                built.map_err(|error| IndexError::Sql(index.file.path.clone(), doing(action())(error)))?;
                break;
            }
            () = tokio::time::sleep(LOOK) => tell(pool, pid, index, events).await,
            () = stop.requested() => {
                let other = pool.get().await.map_err(doing("connect"))?;
                drop(other.query(include_str!("../../sql/cancel_process.sql"), &[&pid]).await);
                drop(building.await);
                return Err(IndexError::Interrupted);
            }
        }
    }
    fault::point("index.built").await;
    let comment = format!("{NOTE}{}", short_hash(&create));
    let context = minijinja::context! { index => Fragment::table(&name), comment };
    let mark = render_wrap("index_mark.sql", include_str!("../../sql/wrap/index_mark.sql"), context)?;
    connection.execute(&mark, &[]).await.map_err(doing(action()))?;
    events.emit(Event::IndexBuilt { name: name.to_string(), elapsed: started.elapsed() });
    Ok(())
}

/// Tells how far the server is; that it cannot be asked is no reason to fail.
async fn tell(pool: &Pool, pid: i32, index: &IndexFile, events: &Events) {
    let asked = async {
        let client = pool.get().await.map_err(doing("connect"))?;
        let row = client.query_opt(include_str!("../../sql/index_progress.sql"), &[&pid]).await;
        row.map_err(doing("ask how far the index is"))
    };
    let Ok::<_, DbError>(Some(row)) = asked.await else { return };
    let number = |name: &str| u64::try_from(row.get::<_, Option<i64>>(name).unwrap_or_default()).unwrap_or_default();
    let (blocks, tuples) =
        ((number("blocks_done"), number("blocks_total")), (number("tuples_done"), number("tuples_total")));
    let (done, total) = if tuples.1 > 0 { tuples } else { blocks };
    let phase = row.get::<_, Option<String>>("phase").unwrap_or_default();
    events.emit(Event::IndexProgress { name: index.file.name.clone(), phase, done, total });
}
