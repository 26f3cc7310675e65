//! What the server is and can do, and whether sqlmig can work with it.

use tokio_postgres::{Client, GenericClient, Transaction};

use super::error::{DbError, doing};

const SERVER_INFO: &str = include_str!("../../sql/server_info.sql");
const CREATE_VECTOR: &str = include_str!("../../sql/create_vector.sql");

/// Oldest and newest major version that sqlmig is tested with.
const SUPPORTED: std::ops::RangeInclusive<i32> = 15..=18;

/// Facts about a server and one of its databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// As a number: 180004 is 18.4.
    pub version_num: i32,
    /// As the server writes it, e.g. `18.4`.
    pub version: String,
    /// Whether it is a standby, which takes no writes.
    pub in_recovery: bool,
    /// Encoding of the database, e.g. `UTF8`.
    pub encoding: String,
    /// Version of the vector extension in this database.
    pub pgvector: Option<String>,
    /// Schema that it is installed in.
    pub pgvector_schema: Option<String>,
    /// Version that could be installed.
    pub pgvector_available: Option<String>,
    /// Whether this role may create schemas here.
    pub can_create: bool,
    /// Whether this role is a superuser.
    pub superuser: bool,
    /// Most connections the server takes.
    pub max_connections: i32,
}

/// Why a server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It could not be asked.
    #[error(transparent)]
    Db(#[from] DbError),
    /// It is too old.
    #[error("the server is PostgreSQL {0}; sqlmig works with 15 to 18")]
    TooOld(String),
    /// It is a standby.
    #[error("the server is a standby and takes no writes")]
    Standby,
    /// The database stores text in another encoding.
    #[error("the database's encoding is {0}, and only UTF8 holds every text")]
    Encoding(String),
    /// The vector extension of this database is too old to know halfvec and sparsevec.
    #[error("the database has pgvector {0}; sqlmig needs 0.7 or later")]
    OldPgvector(String),
    /// The vector extension is needed and cannot be had.
    #[error("the server has no pgvector: {0}")]
    NoPgvector(String),
}

impl ServerError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Db(error) => return error.hint(),
            Self::TooOld(_) => "upgrade the server, or leave DATABASE_URL unset to use an embedded one".into(),
            Self::Standby => "connect to the primary: list all hosts and add target_session_attrs=read-write".into(),
            Self::Encoding(_) => {
                "create the database with: create database NAME encoding 'UTF8' template template0".into()
            }
            Self::OldPgvector(_) => {
                "install a newer pgvector on the server, then: alter extension vector update".into()
            }
            Self::NoPgvector(_) => {
                "install pgvector 0.7 or later on the server (packages are named postgresql-VERSION-pgvector) and run \
                 \"create extension vector\" as a role that may; a load that holds no vectors works without it"
                    .into()
            }
        })
    }
}

/// Whether a version of pgvector is 0.7 or later, which brought halfvec and sparsevec.
#[must_use]
pub fn has_halfvec(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (0, 7)
}

impl ServerInfo {
    /// Asks the server. Nothing is refused yet.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn read(client: &impl GenericClient) -> Result<Self, DbError> {
        let row = client.query_one(SERVER_INFO, &[]).await.map_err(doing("ask the server what it is"))?;
        Ok(Self {
            version_num: row.get("version_num"),
            version: row.get("version"),
            in_recovery: row.get("in_recovery"),
            encoding: row.get("encoding"),
            pgvector: row.get("pgvector"),
            pgvector_schema: row.get("pgvector_schema"),
            pgvector_available: row.get("pgvector_available"),
            can_create: row.get("can_create"),
            superuser: row.get("superuser"),
            max_connections: row.get("max_connections"),
        })
    }

    /// Major version, e.g. 18.
    #[must_use]
    pub fn major(&self) -> i32 {
        self.version_num / 10_000
    }

    /// Refuses a server that nothing can be loaded into; returns what is worth a warning.
    ///
    /// # Errors
    /// When it is older than PostgreSQL 15, a standby, or its database is not in UTF-8.
    pub fn check(&self) -> Result<Vec<String>, ServerError> {
        if self.major() < *SUPPORTED.start() {
            return Err(ServerError::TooOld(self.version.clone()));
        }
        if self.in_recovery {
            return Err(ServerError::Standby);
        }
        if self.encoding != "UTF8" {
            return Err(ServerError::Encoding(self.encoding.clone()));
        }
        let newer = self.major() > *SUPPORTED.end();
        Ok(if newer {
            vec![format!("the server is PostgreSQL {}, newer than sqlmig was tested with (15 to 18)", self.version)]
        } else {
            Vec::new()
        })
    }

    /// Sees to it that the database has the vector extension; returns its version. A session opened before it was
    /// created in a schema other than `public` does not see its types yet.
    ///
    /// # Errors
    /// [`ServerError::NoPgvector`] when the server has none to install or this role may not install it.
    pub async fn ensure_pgvector(client: &Client) -> Result<String, ServerError> {
        let info = Self::read(client).await?;
        if let Some(version) = info.pgvector {
            return if has_halfvec(&version) { Ok(version) } else { Err(ServerError::OldPgvector(version)) };
        }
        if info.pgvector_available.is_none() {
            return Err(ServerError::NoPgvector("it is not installed there".into()));
        }
        if let Err(error) = client.batch_execute(CREATE_VECTOR).await.map_err(doing("create the vector extension")) {
            // Another client may have created it in between; "if not exists" does not keep two from colliding.
            return match Self::read(client).await?.pgvector {
                Some(version) => Ok(version),
                None if error.is_unavailable() => Err(error.into()),
                None => Err(ServerError::NoPgvector(error.to_string())),
            };
        }
        let created = Self::read(client).await?.pgvector;
        created.ok_or_else(|| ServerError::NoPgvector("it was created, but is not there".into()))
    }

    /// Sees to it that a transaction has the vector extension, which goes with it if it is rolled back; returns the schema that it
    /// is in.
    ///
    /// # Errors
    /// As [`Self::ensure_pgvector`]; the transaction is to be rolled back then.
    pub async fn ensure_pgvector_in(tx: &Transaction<'_>) -> Result<String, ServerError> {
        let info = Self::read(tx).await?;
        if let (Some(version), Some(schema)) = (info.pgvector, info.pgvector_schema) {
            return if has_halfvec(&version) { Ok(schema) } else { Err(ServerError::OldPgvector(version)) };
        }
        if info.pgvector_available.is_none() {
            return Err(ServerError::NoPgvector("it is not installed there".into()));
        }
        let created = tx.batch_execute(CREATE_VECTOR).await.map_err(doing("create the vector extension"));
        created.map_err(|error| ServerError::NoPgvector(error.to_string()))?;
        let schema = Self::read(tx).await?.pgvector_schema;
        schema.ok_or_else(|| ServerError::NoPgvector("it was created, but is not there".into()))
    }
}
