//! Tests that need more than one module, as one binary: the reader on real dumps, the rest on a real PostgreSQL.

mod checks;
mod cli;
mod connection;
mod cut;
mod documents;
mod embedded;
mod embeddings;
mod exactly_once;
mod examples;
mod faults;
mod front;
mod harness;
mod layers;
mod migrations;
mod plan;
mod program;
mod promotion;
mod quarantine;
mod real_dumps;
mod report_schema;
mod reports;
mod resume;
mod roles;
mod rollback;
mod rollback_model;
mod roundtrip;
mod runs;
mod search;
mod secrets;
#[path = "../service/server.rs"]
mod service;
mod sources;
mod trees;
mod why;
