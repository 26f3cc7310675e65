//! Tests that need more than one module: the reader on real dumps, the rest on a real PostgreSQL.

mod real_dumps;
