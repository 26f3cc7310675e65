//! All tests that need a PostgreSQL, as one binary.

mod connection;
mod embedded;
mod front;
mod harness;
