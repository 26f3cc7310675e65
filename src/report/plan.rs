//! What a run would do, for people.

use std::io::{self, Write};

use super::View;
use super::grid::{
    Grid, Head, Mark, as_count, count, duration, exception, number, printable, size, table_name, text, title,
};
use super::lines::{list, write_statements, write_warnings};
use crate::outcome::{FollowedPlan, Plan, PlanDump, PlanFate, PlanRows, Severity};

pub(super) fn write(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    write_head(plan, writer)?;
    write_tables(plan, view, writer)?;
    write_fates(plan, view, writer)?;
    write_checks(plan, view, writer)?;
    write_promote(plan, view, writer)?;
    write_embeddings(plan, view, writer)?;
    write_estimate(plan, view, writer)?;
    write_statements(&plan.other_statements, view, writer)?;
    write_migrations(plan, view, writer)?;
    write_warnings(&plan.warnings, view, writer)?;
    write_verdict(plan, view, writer)
}

/// What would change, in the signs that plans have: + new, ~ changed, - deleted, = as it is.
fn write_verdict(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    for why in &plan.refused {
        let sign = signed(Mark::Bad.sign(), 31, view);
        writeln!(writer, "{sign} A run would stop: {}", printable(why))?;
    }
    if !plan.counts.compared {
        return write_bounds(plan, writer);
    }
    let sum = plan.tables.iter().filter_map(|table| table.fate).fold(PlanFate::default(), |sum, fate| PlanFate {
        insert: sum.insert + fate.insert,
        update: sum.update + fate.update,
        unchanged: sum.unchanged + fate.unchanged,
        merge: sum.merge + fate.merge,
        reject: sum.reject + fate.reject,
    });
    let deleted: i64 = plan.promote.iter().filter_map(|step| step.rows).map(|rows| rows.delete).sum();
    writeln!(
        writer,
        "{} {} to insert, {} {} to update, {} {} to delete, {} {} as they are; {} merged, {} rejected. Nothing was written.",
        signed("+", 32, view),
        count(sum.insert),
        signed("~", 33, view),
        count(sum.update),
        signed("-", 31, view),
        count(deleted),
        signed("=", 2, view),
        count(sum.unchanged),
        count(sum.merge),
        count(sum.reject)
    )
}

/// A sign in its colour.
fn signed(sign: &str, color: u8, view: View) -> String {
    if view.color { format!("\x1b[{color}m{sign}\x1b[0m") } else { sign.to_owned() }
}

/// What would be done at most, where the rows were not compared.
fn write_bounds(plan: &Plan, writer: &mut dyn Write) -> io::Result<()> {
    let why = plan.counts.why_not.as_deref().unwrap_or_default();
    writeln!(writer, "The rows were not compared with the target ({}): these are bounds.", printable(why))?;
    let rows: i64 = plan.tables.iter().map(|table| table.rows).sum();
    let used: i64 = plan.tables.iter().filter(|table| !table.used_by.is_empty()).map(|table| table.rows).sum();
    let batches: i64 = plan.tables.iter().map(|table| table.batches).sum();
    writeln!(
        writer,
        "A run would stage {} rows of {} tables and promote up to {} of them in {} batches. Nothing was written.",
        count(rows),
        count(as_count(plan.tables.len())),
        count(used),
        count(batches)
    )
}

fn write_head(plan: &Plan, writer: &mut dyn Write) -> io::Result<()> {
    let end = if plan.complete { "complete" } else { "NOT complete" };
    let (source, format) = (printable(&plan.source), printable(&plan.source_format));
    writeln!(writer, "Source   {source} · {format}, {} · {end}", size(plan.source_bytes))?;
    for dump in &plan.dumps {
        writeln!(writer, "Dump     {} · {}", dump_versions(dump), printable(&plan.encoding))?;
    }
    writeln!(writer, "Project  {}", printable(&plan.project))?;
    writeln!(writer, "Target   {}\n", printable(&plan.target))
}

fn dump_versions(dump: &PlanDump) -> String {
    let version = |version: &Option<String>| version.as_deref().map_or("unknown".to_owned(), printable);
    format!("PostgreSQL {}, by pg_dump {}", version(&dump.server_version), version(&dump.pg_dump_version))
}

fn write_tables(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("table"),
        Head::Number("rows"),
        Head::Number("size"),
        Head::Number("columns"),
        Head::Text("used by"),
        Head::Number("batches"),
    ];
    let mut grid = Grid::new("Tables", view, &heads);
    for table in &plan.tables {
        let used_by = if table.used_by.is_empty() { "only staged".to_owned() } else { table.used_by.join(", ") };
        grid.row(vec![
            text(&table_name(&table.source)),
            number(table.rows),
            text(&size(table.bytes)),
            number(as_count(table.columns.len())),
            text(&used_by),
            number(table.batches),
        ]);
    }
    grid.write(writer)
}

/// What the plan that a run followed has said, to be held against the books above it.
pub(super) fn write_followed(plan: &FollowedPlan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("table"),
        Head::Number("+ new"),
        Head::Number("~ changed"),
        Head::Number("= as is"),
        Head::Number("merged"),
        Head::Number("rejected"),
    ];
    let mut grid = Grid::new("The plan that it followed", view, &heads);
    for table in &plan.tables {
        let counts = [table.insert, table.update, table.unchanged, table.merge, table.reject];
        grid.row(std::iter::once(text(&table_name(&table.source))).chain(counts.map(number)).collect());
    }
    grid.write(writer)
}

/// What would become of the rows of each table: the columns after the first come to it.
fn write_fates(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("table"),
        Head::Number("rows"),
        Head::Number("+ new"),
        Head::Number("~ changed"),
        Head::Number("= as is"),
        Head::Number("merged"),
        Head::Number("rejected"),
    ];
    let mut grid = Grid::new("What would become of the rows", view, &heads);
    for table in &plan.tables {
        let Some(fate) = table.fate else { continue };
        grid.row(vec![
            text(&table_name(&table.source)),
            number(table.rows),
            number(fate.insert),
            number(fate.update),
            number(fate.unchanged),
            number(fate.merge),
            exception(fate.reject, Mark::Warn),
        ]);
    }
    grid.write(writer)
}

fn write_estimate(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let Some(estimate) = plan.estimate.as_ref().filter(|estimate| estimate.staging_bytes > 0) else { return Ok(()) };
    title("What it would take", view.color, writer)?;
    writeln!(
        writer,
        "  disk  {} in staging (measured), {} in final tables, {} in indexes, {} of before-images",
        size(estimate.staging_bytes),
        size(estimate.target_bytes),
        size(estimate.index_bytes),
        size(estimate.undo_bytes)
    )?;
    writeln!(writer, "  WAL   {} at least", size(estimate.wal_bytes))?;
    let all = estimate.stage_ms + estimate.check_ms + estimate.promote_ms;
    writeln!(
        writer,
        "  time  about {}: {} to stage and {} to check (measured, one connection), {} to promote",
        duration(all),
        duration(estimate.stage_ms),
        duration(estimate.check_ms),
        duration(estimate.promote_ms)
    )?;
    let mut untold: Vec<String> =
        estimate.indexes_built.iter().map(|name| format!("building index {}", printable(name))).collect();
    let texts: i64 = plan.embeddings.iter().map(|embedding| embedding.texts).sum();
    if texts > 0 {
        untold.push(format!("fetching embeddings of {} texts", count(texts)));
    }
    if !untold.is_empty() {
        writeln!(writer, "        besides, for a time that is not estimated: {}", untold.join(", "))?;
    }
    if !estimate.indexes_left_out.is_empty() {
        writeln!(writer, "  not reckoned with: index {}", printable(&estimate.indexes_left_out.join(", ")))?;
    }
    writeln!(writer)
}

/// Names of the migrations; with their SQL for who wants to see everything.
fn write_migrations(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    if plan.pending_migrations.is_empty() {
        return Ok(());
    }
    if !view.verbose {
        let names: Vec<&str> = plan.pending_migrations.iter().map(String::as_str).collect();
        list("Migrations to apply (with their SQL: --verbose, --output json):", &names, view, writer)?;
        return writeln!(writer);
    }
    title("Migrations to apply", view.color, writer)?;
    for migration in &plan.migrations {
        writeln!(writer, "-- {}: {}", printable(&migration.set), printable(&migration.name))?;
        for line in migration.sql.lines() {
            writeln!(writer, "{}", printable(line))?;
        }
        writeln!(writer)?;
    }
    Ok(())
}

fn write_checks(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("check"),
        Head::Text("on"),
        Head::Name("severity"),
        Head::Number("rows"),
        Head::Text("what it finds"),
    ];
    let mut grid = Grid::new("Checks, duplicate rules and validations", view, &heads);
    for check in &plan.checks {
        let what = check.skipped.as_ref().map_or(check.summary.clone(), |why| format!("skipped: {why}"));
        let weight = if check.severity == Severity::Error { Mark::Bad } else { Mark::Warn };
        let found = check.found.map_or_else(|| text(""), |found| exception(found, weight));
        let (name, on) = (text(&check.name), text(&table_name(&check.on)));
        grid.row(vec![name, on, text(check.severity.as_str()), found, text(&what)]);
    }
    grid.write(writer)
}

fn write_embeddings(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("embeddings"),
        Head::Text("table"),
        Head::Number("rows without"),
        Head::Number("texts to fetch"),
        Head::Number("tokens"),
        Head::Number("cost"),
    ];
    let mut grid = Grid::new("Rows that come without an embedding", view, &heads);
    for embedding in plan.embeddings.iter().filter(|embedding| embedding.rows > 0) {
        grid.row(vec![
            text(&embedding.transform),
            text(&table_name(&embedding.source)),
            number(embedding.rows),
            number(embedding.texts),
            number(embedding.tokens),
            text(&embedding.cost.map_or_else(String::new, |cost| format!("{cost:.4}"))),
        ]);
    }
    grid.write(writer)
}

fn write_promote(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [
        Head::Text("promote"),
        Head::Text("into"),
        Head::Number("+"),
        Head::Number("~"),
        Head::Number("-"),
        Head::Number("="),
        Head::Text("note"),
    ];
    let mut grid = Grid::new("Promotion", view, &heads);
    for step in &plan.promote {
        let mut note = step.skipped.as_ref().map_or(String::new(), |why| format!("skipped: {why}"));
        if !step.reads_changed.is_empty() {
            let tables: Vec<String> = step.reads_changed.iter().map(|table| table_name(table)).collect();
            note = format!("as of now: reads {}, changed by then", tables.join(", "));
        }
        let cell = |of: fn(PlanRows) -> i64| step.rows.map_or_else(|| text(""), |rows| number(of(rows)));
        grid.row(vec![
            text(&step.transform),
            text(&table_name(&step.target)),
            cell(|rows| rows.insert),
            cell(|rows| rows.update),
            cell(|rows| rows.delete),
            cell(|rows| rows.unchanged),
            text(&note),
        ]);
    }
    grid.write(writer)
}
