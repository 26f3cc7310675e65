//! By what and on what a run was done.

use serde::Serialize;

/// By what and on what a run was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// Version of sqlmig.
    pub sqlmig_version: String,
    /// The machine, or the pod, that conducted the run last.
    pub host: String,
    /// SHA-256 over the project's files, hexadecimal.
    pub project_hash: String,
    /// What of the source was asked for.
    pub scope: String,
    /// Size of the source as stored in bytes, where it is known.
    pub source_bytes: Option<i64>,
    /// How often the run was taken on: 1, and one more for each time that it was resumed.
    pub epoch: i64,
    /// The server's version when the run began; none for a run of an earlier version of sqlmig.
    pub server_version: Option<String>,
    /// The version of pgvector then, where it was installed.
    pub pgvector: Option<String>,
    /// Settings of the server then, by name.
    pub settings: Vec<Setting>,
}

/// A setting of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, with its unit.
    pub value: String,
}

/// What the reader read of one source table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceDigest {
    /// The table in the source.
    pub source: String,
    /// Rows read.
    pub rows: i64,
    /// Bytes of their text in the source.
    pub bytes: i64,
    /// The digest over all of its rows, which the server was held to; none until it was read to its end.
    pub digest: Option<String>,
}
