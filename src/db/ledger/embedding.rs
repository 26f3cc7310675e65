//! Vectors that were paid for, and which rows take them, in the ledger.

use std::time::Duration;

use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use super::{count, milliseconds};
use crate::db::{DbError, doing};
use crate::outcome::{EmbeddingCost, EmbeddingCount};
use crate::provider::VectorSpace;

/// SHA-256 of a text as it is sent (UTF-8).
pub type TextHash = Vec<u8>;

/// A row whose text has no vector yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The first row of the source table that has this text.
    pub row: i64,
    /// The text's digest.
    pub text_sha256: TextHash,
}

/// A vector that came.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The text's digest.
    pub text_sha256: TextHash,
    /// Its tokens, as sqlmig counts them.
    pub input_tokens: usize,
    /// The vector.
    pub vector: Vec<f32>,
}

/// An answer of the service that was paid for.
#[derive(Debug, Clone, Copy)]
pub struct Paid {
    /// Texts that were sent.
    pub texts: usize,
    /// Vectors of it that can be used.
    pub vectors: usize,
    /// Tokens, as the service counts them, or as sqlmig does where it says nothing.
    pub tokens: u64,
    /// Price of a million tokens.
    pub price: Option<f64>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Forgets which rows of a run want a vector; the vectors stay.
///
/// # Errors
/// Fails when the database refuses.
pub async fn embedding_forget(tx: &Transaction<'_>, run: Uuid) -> Result<(), DbError> {
    tx.execute(include_str!("../../../sql/embedding_forget.sql"), &[&run])
        .await
        .map_err(doing("forget which rows want a vector"))?;
    Ok(())
}

/// Texts of a source table without a vector, each once, after row `after`.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn embedding_missing(
    client: &impl GenericClient,
    run: Uuid,
    relation: &str,
    source: &str,
    after: i64,
    most: i64,
) -> Result<Vec<Wanted>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/embedding_missing.sql"), &[&run, &relation, &source, &after, &most])
        .await
        .map_err(doing("ask the ledger for vectors"))?;
    Ok(rows.iter().map(|row| Wanted { row: row.get("row"), text_sha256: row.get("text_sha256") }).collect())
}

/// Whether the rows of a run were looked through for those without a vector.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn embedding_asked(client: &impl GenericClient, run: Uuid) -> Result<bool, DbError> {
    let row = client
        .query_one(include_str!("../../../sql/embedding_asked.sql"), &[&run])
        .await
        .map_err(doing("ask whether rows want a vector"))?;
    Ok(row.get("asked"))
}

/// Keeps the vectors of an answer, and what it cost.
///
/// # Errors
/// Fails when the database refuses.
pub async fn embedding_insert(
    tx: &Transaction<'_>,
    run: Uuid,
    space: &VectorSpace,
    vectors: &[Fetched],
    paid: Paid,
) -> Result<(), DbError> {
    let dimensions = i32::try_from(space.dimensions).unwrap_or(i32::MAX);
    let insert =
        tx.prepare(include_str!("../../../sql/embedding_insert.sql")).await.map_err(doing("keep the vectors"))?;
    for fetched in vectors {
        let tokens = i32::try_from(fetched.input_tokens).unwrap_or(i32::MAX);
        tx.execute(
            &insert,
            &[&fetched.text_sha256, &space.provider, &space.model, &dimensions, &fetched.vector, &tokens, &run],
        )
        .await
        .map_err(doing("keep the vectors"))?;
    }
    let texts = i32::try_from(paid.texts).unwrap_or(i32::MAX);
    let usable = i32::try_from(paid.vectors).unwrap_or(i32::MAX);
    tx.execute(
        include_str!("../../../sql/embedding_request_insert.sql"),
        &[
            &run,
            &space.provider,
            &space.model,
            &dimensions,
            &texts,
            &usable,
            &count(paid.tokens),
            &paid.price,
            &milliseconds(paid.elapsed),
        ],
    )
    .await
    .map_err(doing("keep what the vectors cost"))?;
    Ok(())
}

/// Says why texts of a run are left without a vector.
///
/// # Errors
/// Fails when the database refuses.
pub async fn embedding_refuse(tx: &Transaction<'_>, run: Uuid, refused: &[(TextHash, String)]) -> Result<(), DbError> {
    let hashes: Vec<&[u8]> = refused.iter().map(|(hash, _)| hash.as_slice()).collect();
    let reasons: Vec<&str> = refused.iter().map(|(_, reason)| reason.as_str()).collect();
    tx.execute(include_str!("../../../sql/embedding_refuse.sql"), &[&run, &hashes, &reasons])
        .await
        .map_err(doing("record texts without a vector"))?;
    Ok(())
}

/// Which of these texts the ledger has a vector of; none where there is no ledger yet.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn embedding_known(
    client: &impl GenericClient,
    space: &VectorSpace,
    texts: &[TextHash],
) -> Result<Vec<TextHash>, DbError> {
    let there = client
        .query_one("select pg_catalog.to_regclass('sqlmig.embedding') is not null", &[])
        .await
        .map_err(doing("look for the ledger"))?;
    if !there.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let dimensions = i32::try_from(space.dimensions).unwrap_or(i32::MAX);
    let rows = client
        .query(include_str!("../../../sql/embedding_known.sql"), &[&texts, &space.provider, &space.model, &dimensions])
        .await
        .map_err(doing("ask the ledger for vectors"))?;
    Ok(rows.iter().map(|row| row.get("text_sha256")).collect())
}

/// What a run has spent on vectors so far.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn embedding_spent(client: &impl GenericClient, run: Uuid) -> Result<EmbeddingCost, DbError> {
    let row = client
        .query_one(include_str!("../../../sql/embedding_spent.sql"), &[&run])
        .await
        .map_err(doing("read what the vectors cost"))?;
    let number = |name: &str| u64::try_from(row.get::<_, i64>(name)).unwrap_or_default();
    Ok(EmbeddingCost { tokens: number("tokens"), cost: row.get("cost"), requests: number("requests") })
}

/// The rows of a run that want a vector, by what became of them.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn embedding_counts(client: &impl GenericClient, run: Uuid) -> Result<Vec<EmbeddingCount>, DbError> {
    let rows = client
        .query(include_str!("../../../sql/embedding_counts.sql"), &[&run])
        .await
        .map_err(doing("count the rows with a vector"))?;
    Ok(rows
        .iter()
        .map(|row| EmbeddingCount {
            relation: row.get("relation"),
            source: row.get("source"),
            wanted: row.get("wanted"),
            fetched: row.get("fetched"),
            known: row.get("known"),
            missing: row.get("missing"),
        })
        .collect())
}

/// Records the rows of one source table that are left without a vector as findings, at most `keep`; returns how many there are.
///
/// # Errors
/// Fails when the database refuses.
pub async fn embedding_left(
    tx: &Transaction<'_>,
    run: Uuid,
    relation: &str,
    source: &str,
    check: &str,
    keep: i64,
    otherwise: &str,
) -> Result<i64, DbError> {
    let row = tx
        .query_one(
            include_str!("../../../sql/embedding_left.sql"),
            &[&run, &relation, &source, &check, &keep, &otherwise],
        )
        .await
        .map_err(doing("record rows without a vector"))?;
    Ok(row.get("rows"))
}
