//! What a run would do, for people.

use std::io::{self, Write};

use super::View;
use super::grid::{Grid, Head, count, number, printable, size, table_name, text};
use super::run::{as_count, list, write_statements, write_warnings};
use crate::outcome::{Plan, PlanDump};

pub(super) fn write(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    write_head(plan, writer)?;
    write_tables(plan, view, writer)?;
    write_checks(plan, view, writer)?;
    write_promote(plan, view, writer)?;
    write_embeddings(plan, view, writer)?;
    write_statements(&plan.other_statements, view, writer)?;
    if !plan.pending_migrations.is_empty() {
        let names: Vec<&str> = plan.pending_migrations.iter().map(String::as_str).collect();
        list("Migrations to apply:", &names, view, writer)?;
        writeln!(writer)?;
    }
    write_warnings(&plan.warnings, view, writer)?;
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

fn write_checks(plan: &Plan, view: View, writer: &mut dyn Write) -> io::Result<()> {
    let heads = [Head::Text("check"), Head::Text("on"), Head::Name("severity"), Head::Text("what it finds")];
    let mut grid = Grid::new("Checks, duplicate rules and validations", view, &heads);
    for check in &plan.checks {
        let what = check.skipped.as_ref().map_or(check.summary.clone(), |why| format!("skipped: {why}"));
        grid.row(vec![text(&check.name), text(&table_name(&check.on)), text(check.severity.as_str()), text(&what)]);
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
    let heads = [Head::Text("promote"), Head::Text("from"), Head::Text("into"), Head::Text("note")];
    let mut grid = Grid::new("Promotion", view, &heads);
    for step in &plan.promote {
        let note = step.skipped.as_ref().map_or(String::new(), |why| format!("skipped: {why}"));
        grid.row(vec![
            text(&step.transform),
            text(step.from.as_deref().unwrap_or("")),
            text(&table_name(&step.target)),
            text(&note),
        ]);
    }
    grid.write(writer)
}
