//! The target database: connection, TLS, embedded server, lock, and the typed wrappers of `sql/`.
