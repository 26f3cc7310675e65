//! Searches the final table by vector, and measures how good the index is at it.

mod error;
mod recall;

use deadpool_postgres::Pool;
use tokio_postgres::{GenericClient, Row};

use crate::db::doing;
use crate::outcome::Hit;
use crate::project::{Project, SearchFile};
use crate::provider::{Client, RequestError};

pub use error::SearchError;
pub use recall::{Recall, probe, recall};

/// The vector of a text.
///
/// # Errors
/// The service does not give one.
pub async fn vector_of(client: &Client, text: &str) -> Result<Vec<f32>, SearchError> {
    let answered = client.embed(&[text]).await.map_err(SearchError::Service)?;
    let vector = answered.answer.vectors.into_iter().next().unwrap_or_else(|| Err("no vector came".into()));
    vector.map_err(|reason| SearchError::Service(RequestError::Garbled(reason)))
}

/// The rows nearest to a vector, nearest first, and whether an index found them.
///
/// # Errors
/// The project has no search, its SELECT is wrong, or the database refuses.
pub async fn search(pool: &Pool, project: &Project, vector: &[f32], top: i64) -> Result<(Vec<Hit>, bool), SearchError> {
    let file = project.search.first().ok_or_else(|| SearchError::None(project.name.clone()))?;
    let sql = project.render_plain(&file.file)?;
    let mut client = pool.get().await.map_err(doing("connect"))?;
    let tx = client.transaction().await.map_err(doing("search"))?;
    tx.batch_execute(include_str!("../../sql/read_only.sql")).await.map_err(doing("search"))?;
    // An HNSW index yields at most so many rows: more than are asked for, so that none of the nearest is missed.
    wide(&*tx, top).await?;
    let hits = near(&*tx, file, &sql, vector, top).await?;
    let indexed = is_indexed(&*tx, file, &sql, vector, top).await?;
    Ok((hits, indexed))
}

/// Whether the server would find the rows nearest to a vector by an index, as the session is set. In the plan, an index
/// that yields rows in the order of their distance has a line for that; one that is read for another reason has none.
async fn is_indexed(
    client: &impl GenericClient,
    file: &SearchFile,
    sql: &str,
    vector: &[f32],
    top: i64,
) -> Result<bool, SearchError> {
    let explain = format!("explain {sql}");
    let plan = client.query(&explain, &[&vector, &top]).await.map_err(|error| wrong(file, error))?;
    Ok(plan.iter().any(|row| row.get::<_, &str>(0).trim_start().starts_with("Order By:")))
}

/// Lets an HNSW index look at enough of its graph (pgvector's manual, "Query Options"); nothing to servers without it.
async fn wide(client: &impl GenericClient, top: i64) -> Result<(), SearchError> {
    let most = top.saturating_mul(4).clamp(100, 1000).to_string();
    client
        .query("select pg_catalog.set_config('hnsw.ef_search', $1, true)", &[&most])
        .await
        .map_err(doing("search"))?;
    Ok(())
}

async fn near(
    client: &impl GenericClient,
    file: &SearchFile,
    sql: &str,
    vector: &[f32],
    top: i64,
) -> Result<Vec<Hit>, SearchError> {
    let rows = client.query(sql, &[&vector, &top]).await.map_err(|error| wrong(file, error))?;
    rows.iter().map(|row| hit(file, row)).collect()
}

fn hit(file: &SearchFile, row: &Row) -> Result<Hit, SearchError> {
    let missing = |name: &'static str| move |_| SearchError::Column(file.file.path.clone(), name);
    Ok(Hit {
        row: row.try_get::<_, Option<String>>("row").map_err(missing("row"))?.unwrap_or_default(),
        distance: row.try_get::<_, f64>("distance").map_err(missing("distance"))?,
        text: row.try_get::<_, Option<String>>("text").map_err(missing("text"))?.unwrap_or_default(),
    })
}

fn wrong(file: &SearchFile, error: tokio_postgres::Error) -> SearchError {
    SearchError::Sql(file.file.path.clone(), doing("search")(error))
}
