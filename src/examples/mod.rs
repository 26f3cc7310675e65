//! Runs a project's examples: a few rows in, one transform, and the rows that it must yield.
//!
//! A case runs in one transaction that is rolled back, in a scratch database that has the ledger's and the project's
//! schema: its rows are staged as a source's would be, and the transform reads what its phase would give it.

mod case;
mod compare;
mod error;

use deadpool_postgres::Pool;

use crate::db::{DbError, ServerInfo, doing};
use crate::outcome::{CaseOutcome, ExampleReport, FORMAT};
use crate::project::{Example, Project};

use case::Trial;

/// Runs the examples of which some part of `names` is in the name (`check_content_empty` or `check/content_empty`), or
/// all if it is empty; `told` hears of each case as it ends.
///
/// The database keeps nothing of it.
///
/// # Errors
/// Fails when the database does not answer. A transform that cannot run is a case that fails.
pub async fn run(
    pool: &Pool,
    project: &Project,
    names: &[String],
    mut told: impl FnMut(&CaseOutcome),
) -> Result<ExampleReport, DbError> {
    let mut client = pool.get().await.map_err(doing("connect"))?;
    let vector_schema = ServerInfo::read(&**client).await?.pgvector_schema;
    let mut cases = Vec::new();
    for example in project.examples().iter().filter(|example| is_wanted(example, names)) {
        for case in &example.cases {
            let tx = client.transaction().await.map_err(doing("begin an example"))?;
            let trial = Trial { tx: &tx, project, example, case, vector_schema: vector_schema.as_deref() };
            let difference = match trial.run().await {
                Ok(difference) => difference,
                Err(error) => Some(error.told()),
            };
            tx.rollback().await.map_err(doing("undo an example"))?;
            let outcome = CaseOutcome {
                example: example.path.clone(),
                transform: name_of(example),
                case: case.name.clone(),
                passed: difference.is_none(),
                difference,
            };
            told(&outcome);
            cases.push(outcome);
        }
    }
    let without_example =
        project.without_example().into_iter().map(|file| format!("{}/{}", file.phase, file.name)).collect();
    Ok(ExampleReport { format: FORMAT, cases, without_example })
}

/// A transform's name across phases: `check/content_empty`.
fn name_of(example: &Example) -> String {
    format!("{}/{}", example.phase, example.transform)
}

fn is_wanted(example: &Example, names: &[String]) -> bool {
    let name = name_of(example);
    names.is_empty() || names.iter().any(|part| name.contains(part.as_str()) || example.path.contains(part.as_str()))
}
