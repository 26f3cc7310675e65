//! What must hold after a cell: the promises, asked of the database.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlmig::db::Connection;

use crate::program::Ended;

/// What an undisturbed run comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    pub finals: String,
    pub set_aside: String,
    /// Of each source table: read, staged, inserted, updated, unchanged, merged, quarantined.
    pub books: Vec<Value>,
    /// How many before-images each table of them has, of all runs.
    pub undo: Vec<String>,
}

/// The newest run.
#[derive(Debug)]
pub struct Newest {
    pub id: String,
    pub state: String,
    pub error: String,
}

/// The first column of the first row, as text.
pub async fn text(client: &Connection, query: &str) -> Result<String, String> {
    let row = client.query_one(query, &[]).await.map_err(|error| format!("{query}: {:?}", error.as_db_error()))?;
    Ok(row.get::<_, Option<String>>(0).unwrap_or_default())
}

/// A hash over every column of every row of the final tables.
pub async fn finals(client: &Connection) -> Result<String, String> {
    let tables = client.query(include_str!("sql/final_tables.sql"), &[]).await.map_err(|error| format!("{error:?}"))?;
    let mut hashes = String::new();
    for table in tables {
        let name: String = table.get(0);
        let rows = format!("select t::text as row from {name} as t");
        let hash = format!("select md5(string_agg(row, E'\\n' order by row)) from ({rows}) as rows");
        let hash = text(client, &hash).await?;
        hashes.extend([name.as_str(), " ", &hash, " "]);
    }
    Ok(hashes)
}

/// The same over all that a run writes.
pub async fn everything(client: &Connection) -> Result<String, String> {
    Ok(finals(client).await? + &text(client, include_str!("sql/everything.sql")).await?)
}

pub async fn newest(client: &Connection) -> Result<Option<Newest>, String> {
    let rows = client.query(include_str!("sql/runs.sql"), &[]).await.map_err(|error| format!("{error:?}"))?;
    Ok(rows.first().map(|row| Newest { id: row.get("id"), state: row.get("state"), error: row.get("error") }))
}

/// A hash of all that the next run finds in a database: the same in two of them if they differ in nothing but the ids of runs and
/// their own names.
pub async fn state(client: &Connection) -> Result<[u8; 32], String> {
    let wrong = |error: tokio_postgres::Error| format!("{error:?}");
    let tables = client.query(include_str!("sql/state.sql"), &[]).await.map_err(wrong)?;
    let mut lines: Vec<String> = tables.iter().map(|table| table.get("made")).collect();
    let rows: Vec<&str> = tables.iter().map(|table| table.get("rows")).collect();
    let rows = client.query(&rows.join(" union all "), &[]).await.map_err(wrong)?;
    lines.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    let here = "select format('%s (%s on', datname, oid) from pg_database where datname = current_database()";
    let mut names = vec![(text(client, here).await?, "here (on".to_owned())];
    let runs = client.query("select id::text from sqlmig.run order by started_at, id", &[]).await.map_err(wrong)?;
    names.extend(runs.iter().enumerate().map(|(number, run)| (run.get(0), format!("run {number}"))));
    for line in &mut lines {
        for (name, plain) in &names {
            *line = line.replace(name, plain);
        }
    }
    lines.sort_unstable();
    Ok(Sha256::digest(lines.join("\n")).into())
}

/// What a finished run has come to.
pub async fn expected(client: &Connection, report: &Value) -> Result<Expected, String> {
    Ok(Expected {
        finals: finals(client).await?,
        set_aside: text(client, include_str!("sql/set_aside.sql")).await?,
        books: books(report),
        undo: undo(client).await?,
    })
}

/// The tables of before-images and how many each has.
async fn undo(client: &Connection) -> Result<Vec<String>, String> {
    let tables = "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables \
                  where schemaname = 'sqlmig' and tablename like 'undo %' order by 1";
    let mut counts = Vec::new();
    for table in client.query(tables, &[]).await.map_err(|error| format!("{error:?}"))? {
        let table: String = table.get(0);
        let count = text(client, &format!("select count(*)::text from {table}")).await?;
        counts.push(format!("{count} in {table}"));
    }
    Ok(counts)
}

/// Says what does not hold of a command that loads no source and ended well: one that takes back, accepts, or promotes rows
/// of a quarantine.
pub async fn whole_command(client: &Connection, expected: &Expected) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    must(finals(client).await? == expected.finals, "the final tables are not those of an undisturbed command".into());
    let set_aside = text(client, include_str!("sql/set_aside.sql")).await?;
    must(set_aside == expected.set_aside, "quarantine or merged rows are not those of an undisturbed command".into());
    let undo = undo(client).await?;
    must(undo == expected.undo, format!("before-images: {undo:?}, undisturbed {:?}", expected.undo));
    Ok(wrong)
}

fn books(report: &Value) -> Vec<Value> {
    let tables = report["tables"].as_array().cloned().unwrap_or_default();
    let names =
        ["source", "rows_read", "rows_staged", "rows_inserted", "rows_updated", "rows_unchanged", "rows_merged"];
    let entry = |table: &Value| {
        Value::Array(names.iter().chain(&["rows_quarantined"]).map(|name| table[*name].clone()).collect())
    };
    tables.iter().map(entry).collect()
}

/// The same with the rows that were promoted in one number.
fn promoted(table: &Value) -> (Vec<Value>, i64) {
    let numbers = table.as_array().map_or(&[][..], Vec::as_slice);
    let rows = numbers.iter().skip(3).take(3).filter_map(Value::as_i64).sum();
    (
        numbers
            .iter()
            .enumerate()
            .filter(|(place, _)| !(3..6).contains(place))
            .map(|(_, number)| number.clone())
            .collect(),
        rows,
    )
}

/// Says what does not hold of a run that ended well; `again` says that the load was done already, so that this is another run
/// of it, to which every row is unchanged.
pub async fn whole_run(
    client: &Connection,
    report: &Value,
    expected: &Expected,
    again: bool,
) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    must(finals(client).await? == expected.finals, "the final tables are not those of an undisturbed run".into());
    let set_aside = text(client, include_str!("sql/set_aside.sql")).await?;
    must(set_aside == expected.set_aside, "quarantine or merged rows are not those of an undisturbed run".into());

    let run = &report["run"];
    must(run["state"] == "done" && run["complete"] == true && run["error"].is_null(), format!("the report says {run}"));
    let tables = report["tables"].as_array().cloned().unwrap_or_default();
    for table in &tables {
        must(table["balanced"] == true && table["used"] == true, format!("the books of {table} do not balance"));
    }
    let books = books(report);
    let as_expected =
        books == expected.books || again && books.iter().map(promoted).eq(expected.books.iter().map(promoted));
    must(as_expected, format!("the books are {books:?}, undisturbed {:?}", expected.books));

    let newest = newest(client).await?;
    let state = newest.map_or_else(|| "no run".into(), |run| run.state);
    must(state == "done", format!("exit code 0, and the run is {state}"));
    let intervals = text(client, include_str!("sql/intervals.sql")).await?;
    must(intervals.is_empty(), intervals);
    must(unproven(client).await? == 0, "rows were promoted from a source not proven whole".into());
    for row in client.query(include_str!("sql/undo_tables.sql"), &[]).await.map_err(|error| format!("{error:?}"))? {
        let (table, expected): (String, i64) = (row.get(0), row.get(1));
        let newest = "(select id from sqlmig.run order by started_at desc limit 1)";
        let count = format!("select count(*)::text from {table} where _run_id = {newest}");
        let found = text(client, &count).await?;
        must(found == expected.to_string(), format!("{found} before-images in {table}, {expected} rows were written"));
    }
    Ok(wrong)
}

/// Whether there is nothing to go on with: the newest run has not staged a row.
pub async fn has_staged_nothing(client: &Connection) -> Result<bool, String> {
    let query = "select (not exists (select from sqlmig.chunk where run_id = (select id from sqlmig.run order by started_at \
                 desc limit 1)))::text";
    Ok(text(client, query).await? == "true")
}

/// Batches committed from a source that was not proven whole.
pub async fn unproven(client: &Connection) -> Result<i64, String> {
    let rows = client.query(include_str!("sql/unproven.sql"), &[]).await.map_err(|error| format!("{error:?}"))?;
    Ok(rows[0].get(0))
}

/// Whether a run's lock or server processes are there still; they are given the moment that it takes to end one.
pub async fn is_somebody_left(client: &Connection) -> Result<bool, String> {
    for _ in 0..5 {
        if text(client, include_str!("sql/left_behind.sql")).await?.is_empty() {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(true)
}

/// Says what a run has left behind, once what was on its way out is gone.
pub async fn left_behind(client: &Connection) -> Result<Vec<String>, String> {
    let mut left = String::new();
    // A server process notices that its client is gone when it next looks: `client_connection_check_interval`, 2 s.
    for _ in 0..100 {
        left = text(client, include_str!("sql/left_behind.sql")).await?;
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let staging = text(client, include_str!("sql/staging.sql")).await?;
    let staging = if staging.is_empty() { staging } else { format!("staging tables of no run: {staging}") };
    Ok([left, staging].into_iter().filter(|text| !text.is_empty()).collect())
}

/// Says what does not fit between how a command ended and what the ledger says.
pub fn agree(ended: &Ended, newest: Option<&Newest>, was_done: bool) -> Option<String> {
    let state = newest.map_or("no run", |run| run.state.as_str());
    match ended.code {
        Some(0) if state != "done" => Some(format!("exit code 0, and the run is {state}")),
        Some(0) if newest.is_some_and(|run| !run.error.is_empty()) => {
            Some(format!("exit code 0, and the run says {}", newest.map_or("", |run| run.error.as_str())))
        }
        Some(code) if code != 0 && state == "done" && !was_done => {
            Some(format!("exit code {code}, and the run is done\n{}", ended.stderr))
        }
        _ => None,
    }
}
