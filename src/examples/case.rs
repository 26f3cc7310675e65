//! One case: its rows in place, the transform evaluated as its phase would.

use postgres_types::Json;
use serde::Serialize;
use tokio_postgres::Transaction;
use uuid::Uuid;

use crate::check::merge;
use crate::db::catalog::target_columns;
use crate::db::doing;
use crate::db::ledger::{NewRun, run_insert, source_table_insert, source_table_read, source_table_staged};
use crate::db::staging::digest_column;
use crate::decode::ColumnKind;
use crate::names::{TableName, ident, staging_table};
use crate::project::{Case, Example, GivenTable, Project, Row, SqlFile, TransformPhase};
use crate::relations::Relations;
use crate::stage::lay_out;
use crate::template::{Fragment, render_wrap};

use super::compare::{Text, difference};
use super::error::CaseError;

/// What a case needs to be tried.
pub(super) struct Trial<'a> {
    pub tx: &'a Transaction<'a>,
    pub project: &'a Project,
    pub example: &'a Example,
    pub case: &'a Case,
    pub vector_schema: Option<&'a str>,
}

#[derive(Serialize)]
struct Rows {
    table: Fragment,
    columns: Vec<Column>,
    digests: Vec<Digest>,
}

#[derive(Clone, Serialize)]
struct Column {
    name: String,
    /// `::` and its type.
    cast: Fragment,
}

#[derive(Serialize)]
struct Digest {
    name: String,
    column: Column,
    /// The function that gives a vector's bytes; none for text.
    send: Option<Fragment>,
}

impl Trial<'_> {
    /// Tries the case; returns what differs from what is expected, if anything does.
    ///
    /// # Errors
    /// The rows cannot be put in place, or the transform cannot run.
    pub async fn run(&self) -> Result<Option<String>, CaseError> {
        let run = Uuid::now_v7();
        let new = NewRun {
            id: run,
            project: &self.project.name,
            project_hash: &self.project.hash,
            source: &self.example.path,
            source_bytes: None,
            scope: "",
            target: "",
        };
        run_insert(self.tx, &new).await?;
        for (ordinal, (source, given)) in (1..).zip(&self.case.given) {
            self.give(run, ordinal, source, given).await?;
        }
        for table in self.target_order() {
            for row in &self.case.target[table] {
                self.put(table, row).await?;
            }
        }
        let relations = Relations::resolve(self.tx, self.project, run).await?;
        let selects = self.selects(run, relations).await?;
        // What an author wrote is a SELECT; here the server holds it to that, as in a run.
        self.tx.batch_execute(include_str!("../../sql/read_only.sql")).await.map_err(doing("run the transform"))?;
        let mut columns = Vec::new();
        let mut rows = Vec::new();
        for select in selects {
            columns = self.evaluate(&select, &mut rows).await?;
        }
        Ok(difference(&columns, &rows, &self.case.expected))
    }

    /// Stages the rows that one source table is given.
    async fn give(&self, run: Uuid, ordinal: i32, source: &TableName, given: &GivenTable) -> Result<(), CaseError> {
        let digested = self.project.settings.digest.get(source).map(Vec::as_slice).unwrap_or_default();
        // A digest that the example gives itself stands for a row that changed on its way; it is no column of the source.
        let own: Vec<(String, ColumnKind)> = given
            .columns
            .iter()
            .filter(|(name, _)| !digested.iter().any(|column| digest_column(column) == **name))
            .map(|(name, &vector)| (name.clone(), if vector { ColumnKind::Vector } else { ColumnKind::Text }))
            .collect();
        let table = lay_out(self.tx, source, &own, digested, self.vector_schema).await?;
        source_table_insert(self.tx, run, ordinal, &table).await?;

        let column = |(name, kind): &(String, ColumnKind)| Column {
            name: name.clone(),
            cast: Fragment::new(if *kind == ColumnKind::Vector {
                format!("::{}", self.vector("vector"))
            } else {
                String::new()
            }),
        };
        let digest = |(name, kind): &(String, ColumnKind)| Digest {
            name: digest_column(name),
            column: column(&(name.clone(), *kind)),
            send: (*kind == ColumnKind::Vector).then(|| Fragment::new(self.vector("vector_send"))),
        };
        let context = Rows {
            table: Fragment::new(staging_table(&table.staged_as)),
            columns: own.iter().map(column).collect(),
            digests: own.iter().filter(|(name, _)| digested.contains(name)).map(digest).collect(),
        };
        let insert = render_wrap("example_rows.sql", include_str!("../../sql/wrap/example_rows.sql"), context)?;
        let staged = self
            .tx
            .execute(&insert, &[&Json(&given.rows)])
            .await
            .map_err(doing(format!("stage the example's rows of {source}")))?;
        source_table_read(self.tx, run, source, staged, 0, 0, "0").await?;
        source_table_staged(self.tx, run, source, i64::try_from(staged).unwrap_or(i64::MAX)).await?;
        Ok(())
    }

    /// A name of pgvector's, in the schema where it is installed.
    fn vector(&self, name: &str) -> String {
        self.vector_schema.map_or_else(|| ident(name), |schema| format!("{}.{}", ident(schema), ident(name)))
    }

    /// The final tables that the case fills: parents first, as they are promoted.
    fn target_order(&self) -> Vec<&TableName> {
        let place = |table: &&TableName| self.project.promote.iter().position(|promote| promote.target == **table);
        let mut tables: Vec<&TableName> = self.case.target.keys().collect();
        tables.sort_by_key(|table| place(table).unwrap_or(usize::MAX));
        tables
    }

    /// Puts a row into a final table.
    async fn put(&self, table: &TableName, row: &Row) -> Result<(), CaseError> {
        let known = target_columns(self.tx, table).await?;
        if known.is_empty() {
            return Err(CaseError::NoTarget(table.clone()));
        }
        let column = |name: &String| {
            let column = known.iter().find(|column| column.name == *name);
            column
                .map(|column| Column { name: name.clone(), cast: Fragment::new(format!("::{}", column.type_name)) })
                .ok_or_else(|| CaseError::NoColumn(table.clone(), name.clone()))
        };
        let context = Rows {
            table: Fragment::table(table),
            columns: row.keys().map(column).collect::<Result<_, _>>()?,
            digests: Vec::new(),
        };
        let insert = render_wrap("example_target.sql", include_str!("../../sql/wrap/example_target.sql"), context)?;
        self.tx.execute(&insert, &[&Json(row)]).await.map_err(doing(format!("put the example's rows into {table}")))?;
        Ok(())
    }

    /// The transform as SQL, once for each part of its input that its phase gives it apart.
    async fn selects(&self, run: Uuid, mut relations: Relations) -> Result<Vec<String>, CaseError> {
        let (project, phase) = (self.project, self.example.phase);
        let tried = |file: &SqlFile| file.phase == phase && file.name == self.example.transform;
        // What is promoted and proven are the rows that duplicate rules have left.
        if matches!(phase, TransformPhase::Embed | TransformPhase::Promote | TransformPhase::Validate) {
            for rule in &project.dedup {
                merge(self.tx, run, project, &mut relations, rule).await?;
            }
        }
        let render = |file: &SqlFile, rows: Option<String>| project.render(file, &relations.scope(rows));
        let clean = |relation: &String| {
            let rows = relations.clean(relation).map(str::to_owned);
            rows.ok_or_else(|| CaseError::NotGiven(format!("relation {relation}")))
        };
        let mut rendered = Vec::new();
        for transform in project.normalise.iter().filter(|transform| tried(&transform.file)) {
            let staged = relations.staged(&transform.from).map(str::to_owned);
            let staged = staged.ok_or_else(|| CaseError::NotGiven(transform.from.to_string()))?;
            rendered.push(render(&transform.file, Some(staged))?);
        }
        for check in project.check.iter().filter(|check| tried(&check.file)) {
            clean(&check.on)?;
            for feed in relations.sources(&check.on) {
                rendered.push(render(&check.file, Some(relations.canonical_of(&check.on, &feed.source)?))?);
            }
        }
        for rule in project.dedup.iter().filter(|rule| tried(&rule.file)) {
            rendered.push(render(&rule.file, Some(clean(&rule.on)?))?);
        }
        for embed in project.embed.iter().filter(|embed| tried(&embed.file)) {
            clean(&embed.on)?;
            for feed in relations.sources(&embed.on) {
                rendered.push(render(&embed.file, Some(relations.clean_of(&embed.on, &feed.source)?))?);
            }
        }
        for promote in project.promote.iter().filter(|promote| tried(&promote.file)) {
            rendered.push(render(&promote.file, promote.from.as_ref().map(clean).transpose()?)?);
        }
        for proof in project.validate.iter().filter(|proof| tried(&proof.file)) {
            rendered.push(render(&proof.file, None)?);
        }
        Ok(rendered.into_iter().map(|rendered| rendered.sql).collect())
    }

    /// Adds what a SELECT yields to `rows`, each value as text; returns its columns.
    async fn evaluate(&self, select: &str, rows: &mut Vec<Vec<Text>>) -> Result<Vec<String>, CaseError> {
        let action = || format!("run {}", self.example.transform);
        let prepared = self.tx.prepare(select).await.map_err(doing(action()))?;
        let columns: Vec<String> = prepared.columns().iter().map(|column| column.name().to_owned()).collect();
        let context = minijinja::context! { columns => &columns, select => Fragment::new(select) };
        let query = render_wrap("example_result.sql", include_str!("../../sql/wrap/example_result.sql"), context)?;
        for row in self.tx.query(&query, &[]).await.map_err(doing(action()))? {
            rows.push((0..columns.len()).map(|place| row.get(place)).collect());
        }
        Ok(columns)
    }
}
