//! What the target's catalogue says of its tables.

use tokio_postgres::GenericClient;

use super::{DbError, doing};
use crate::names::TableName;

/// A column of a table in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what the catalogue says, each independent of the others")]
pub struct TargetColumn {
    /// Its name.
    pub name: String,
    /// Its type as SQL, modifier included: `vector(3072)`.
    pub type_name: String,
    /// Its type's object id.
    pub type_oid: u32,
    /// Its type's own name, without schema and modifier: `vector`.
    pub base_type: String,
    /// Whether a new row must give a value.
    pub required: bool,
    /// Whether the server makes its value, so that none can be given.
    pub generated: bool,
    /// Whether it is an identity column that gives every new row its value.
    pub identity_always: bool,
    /// Whether its type can be compared by `=`.
    pub comparable: bool,
    /// Whether its type has a hash of 64 bits.
    pub hashable: bool,
    /// Schema and name of the function that gives its value as bytes, if its type has one.
    pub send: Option<(String, String)>,
}

/// Whether there is a table or view of that name.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn table_exists(client: &impl GenericClient, table: &TableName) -> Result<bool, DbError> {
    let schema = table.schema.as_deref().unwrap_or("public");
    let row = client
        .query_one(include_str!("../../sql/table_exists.sql"), &[&schema, &table.table])
        .await
        .map_err(doing(format!("look for {table}")))?;
    Ok(row.get("table_exists"))
}

/// The columns of a table, in order; empty when there is no such table.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn target_columns(client: &impl GenericClient, table: &TableName) -> Result<Vec<TargetColumn>, DbError> {
    let schema = table.schema.as_deref().unwrap_or("public");
    let rows = client
        .query(include_str!("../../sql/target_columns.sql"), &[&schema, &table.table])
        .await
        .map_err(doing(format!("read the columns of {table}")))?;
    Ok(rows
        .iter()
        .map(|row| TargetColumn {
            name: row.get("name"),
            type_name: row.get("type_name"),
            type_oid: row.get("type_oid"),
            base_type: row.get("base_type"),
            required: row.get("required"),
            generated: row.get("generated"),
            identity_always: row.get("identity_always"),
            comparable: row.get("comparable"),
            hashable: row.get("hashable"),
            send: row.get::<_, Option<String>>("send_schema").zip(row.get("send")),
        })
        .collect())
}

/// A column as the target's catalogue has it, with the table that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeColumn {
    /// The table.
    pub table: TableName,
    /// The column's name.
    pub name: String,
    /// Its type as SQL, modifier included.
    pub type_name: String,
    /// Whether its value is generated.
    pub generated: bool,
}

/// The columns of all user tables, table by table and in their order.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn target_shapes(client: &impl GenericClient) -> Result<Vec<ShapeColumn>, DbError> {
    let rows = client
        .query(include_str!("../../sql/target_shapes.sql"), &[])
        .await
        .map_err(doing("read the target's tables"))?;
    Ok(rows
        .iter()
        .map(|row| ShapeColumn {
            table: TableName::new(row.get::<_, String>("schema"), row.get::<_, String>("table")),
            name: row.get("name"),
            type_name: row.get("type_name"),
            generated: row.get("generated"),
        })
        .collect())
}

/// A table in the staging schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingTable {
    /// Its name, without the schema.
    pub name: String,
    /// Whether sqlmig made it.
    pub ours: bool,
}

/// The tables in the staging schema.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn staging_tables(client: &impl GenericClient) -> Result<Vec<StagingTable>, DbError> {
    let rows = client
        .query(include_str!("../../sql/staging_tables.sql"), &[])
        .await
        .map_err(doing("read what is in staging"))?;
    Ok(rows.iter().map(|row| StagingTable { name: row.get("name"), ours: row.get("ours") }).collect())
}

/// Whether the database has a ledger.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn has_ledger(client: &impl GenericClient) -> Result<bool, DbError> {
    let row =
        client.query_one(include_str!("../../sql/has_ledger.sql"), &[]).await.map_err(doing("look for the ledger"))?;
    Ok(row.get("has_ledger"))
}

/// Whether a table has a valid unique index on exactly these columns, none of which may be null, so that a row with
/// the same key is found again and `ON CONFLICT` can name them.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn has_unique_key(client: &impl GenericClient, table: &TableName, key: &[String]) -> Result<bool, DbError> {
    let schema = table.schema.as_deref().unwrap_or("public");
    let row = client
        .query_one(include_str!("../../sql/has_unique_key.sql"), &[&schema, &table.table, &key])
        .await
        .map_err(doing(format!("read the indexes of {table}")))?;
    Ok(row.get("has_unique_key"))
}

/// Which database this is, wherever it is reached.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn target_identity(client: &impl GenericClient) -> Result<String, DbError> {
    let row = client
        .query_one(include_str!("../../sql/target_identity.sql"), &[])
        .await
        .map_err(doing("ask which database this is"))?;
    Ok(row.get("target"))
}

/// A digest of the columns of some tables; those that do not exist count as having none.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn target_fingerprint<'a>(
    client: &impl GenericClient,
    tables: impl Iterator<Item = &'a TableName>,
) -> Result<String, DbError> {
    let (schemas, names): (Vec<&str>, Vec<&str>) =
        tables.map(|table| (table.schema.as_deref().unwrap_or("public"), table.table.as_str())).unzip();
    let row = client
        .query_one(include_str!("../../sql/target_fingerprint.sql"), &[&schemas, &names])
        .await
        .map_err(doing("look at the shape of the final tables"))?;
    Ok(row.get("fingerprint"))
}

/// A foreign key by which rows refer to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The table that refers.
    pub table: TableName,
    /// The constraint.
    pub name: String,
    /// Whether the table refers to itself.
    pub own: bool,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The columns referred to, one for one.
    pub referenced: Vec<String>,
    /// Whether the server refuses to take away a row that is referred to, rather than delete or change those that refer to
    /// it.
    pub refuses: bool,
    /// Whether this role may read the table that refers.
    pub readable: bool,
}

/// The foreign keys by which rows refer to a table.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn foreign_keys(client: &impl GenericClient, table: &TableName) -> Result<Vec<ForeignKey>, DbError> {
    let schema = table.schema.as_deref().unwrap_or("public");
    let rows = client
        .query(include_str!("../../sql/foreign_keys.sql"), &[&schema, &table.table])
        .await
        .map_err(doing(format!("read what refers to {table}")))?;
    Ok(rows
        .iter()
        .map(|row| ForeignKey {
            table: TableName::new(row.get::<_, String>("schema"), row.get::<_, String>("table")),
            name: row.get("name"),
            own: row.get("own"),
            columns: row.get("columns"),
            referenced: row.get("referenced"),
            refuses: row.get("refuses"),
            readable: row.get("readable"),
        })
        .collect())
}
