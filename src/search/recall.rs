//! How many of the nearest rows the index finds; and whether stored vectors are by the model that is asked now.

use deadpool_postgres::Pool;
use tokio_postgres::GenericClient;

use super::{SearchError, is_indexed, near, vector_of, wide};
use crate::db::doing;
use crate::project::{Project, SearchFile};
use crate::provider::{Client, cosine};
use crate::template::{Fragment, render_wrap};

/// Rows whose vectors are searched for.
const SAMPLE: i64 = 10;
/// Nearest rows of each.
const TOP: i64 = 10;
/// Distances that differ by less are the same: the index and the table may sum in another order.
const SAME: f64 = 1e-6;

/// How good the index is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall {
    /// Searches that were made twice, by the index and without.
    pub searches: usize,
    /// Rows among the nearest, over all of them.
    pub nearest: usize,
    /// Of those, what the index found.
    pub found: usize,
}

impl Recall {
    /// The share that the index found, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    pub fn share(&self) -> f64 {
        if self.nearest == 0 { 1.0 } else { self.found as f64 / self.nearest as f64 }
    }
}

/// Searches for the vectors of some rows by the index and by looking at every row; `None` where the project has no search, or no row
/// a vector.
///
/// # Errors
/// The SELECT is wrong, or the database refuses. [`SearchError::Plan`] where the server does not use the index, or does
/// so where it must not: the number would be of something else.
pub async fn recall(pool: &Pool, project: &Project) -> Result<Option<Recall>, SearchError> {
    let Some(file) = project.search.first() else { return Ok(None) };
    let sql = project.render_plain(&file.file)?;
    let mut client = pool.get().await.map_err(doing("connect"))?;
    let tx = client.transaction().await.map_err(doing("search"))?;
    tx.batch_execute(include_str!("../../sql/read_only.sql")).await.map_err(doing("search"))?;
    let sample = sample(&*tx, file, SAMPLE).await?;
    let mut sum = Recall { searches: sample.len(), nearest: 0, found: 0 };
    if sample.is_empty() {
        return Ok(None);
    }
    wide(&*tx, TOP).await?;
    let plan = |what: &'static str| SearchError::Plan(file.file.path.clone(), what);
    for (vector, _, _) in &sample {
        tx.batch_execute(include_str!("../../sql/search_exact.sql")).await.map_err(doing("search"))?;
        if is_indexed(&*tx, file, &sql, vector, TOP).await? {
            return Err(plan("the server uses an index also where it must look at every row"));
        }
        let exact = near(&*tx, file, &sql, vector, TOP).await?;
        tx.batch_execute(include_str!("../../sql/search_indexed.sql")).await.map_err(doing("search"))?;
        if !is_indexed(&*tx, file, &sql, vector, TOP).await? {
            return Err(plan("the server does not use the index for it, as its ORDER BY is of another expression"));
        }
        let indexed = near(&*tx, file, &sql, vector, TOP).await?;
        // Of rows that are equally far away, any will do.
        let farthest = exact.last().map_or(0.0, |hit| hit.distance) + SAME;
        sum.nearest += exact.len();
        sum.found += indexed.iter().filter(|hit| hit.distance <= farthest).count().min(exact.len());
    }
    Ok(Some(sum))
}

/// Has the vectors of some rows made again, and says how alike each is to the one that is stored, from -1 to 1.
///
/// # Errors
/// The project has no search, the service gives no vector, or the database refuses.
pub async fn probe(
    pool: &Pool,
    project: &Project,
    client: &Client,
    rows: i64,
) -> Result<Vec<(String, f64)>, SearchError> {
    let file = project.search.first().ok_or_else(|| SearchError::None(project.name.clone()))?;
    let connection = pool.get().await.map_err(doing("connect"))?;
    let sample = sample(&**connection, file, rows).await?;
    // Nothing is open while the service is asked.
    drop(connection);
    let mut alike = Vec::new();
    for (vector, text, row) in sample {
        alike.push((row, cosine(&vector, &vector_of(client, &text).await?)));
    }
    Ok(alike)
}

async fn sample(
    client: &impl GenericClient,
    file: &SearchFile,
    rows: i64,
) -> Result<Vec<(Vec<f32>, String, String)>, SearchError> {
    let context = minijinja::context! {
        table => Fragment::table(&file.on), vector => &file.vector, text => &file.text,
    };
    let query = render_wrap("search_sample.sql", include_str!("../../sql/wrap/search_sample.sql"), context)?;
    let rows = client
        .query(&query, &[&rows])
        .await
        .map_err(|error| SearchError::Sql(file.file.path.clone(), doing("take a sample")(error)))?;
    let text = |row: &tokio_postgres::Row| row.get::<_, Option<String>>("text").unwrap_or_default();
    Ok(rows.iter().map(|row| (row.get("vector"), text(row), row.get("row"))).collect())
}
