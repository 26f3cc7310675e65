//! Tests that need more than one module, as one binary: the reader on real dumps, the rest on a real PostgreSQL.

mod connection;
mod embedded;
mod front;
mod harness;
mod layers;
mod real_dumps;
mod roundtrip;
mod sources;
