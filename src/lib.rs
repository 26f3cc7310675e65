//! sqlmig: a declarative, SQL-first loader into PostgreSQL and pgvector.
//!
//! The SQL of a project knows what the data means. This library moves the bytes, in the right order, exactly once,
//! undoably, and shows what it did. The way of a row is `source` → `decode` → `stage` → `relations` → `check` →
//! `embed` → `promote` → `validate` → `report`; `docs/ARCHITECTURE.md` draws it.

// Leaves: plain data, used by everyone.
pub mod event;
pub mod fault;
pub mod limits;
pub mod names;
pub mod outcome;
pub mod stop;
pub mod tokens;

// Tools.
pub mod db;
pub mod decode;
pub mod formats;
pub mod project;
pub mod provider;
pub mod relations;
pub mod source;
pub mod template;

// Made-up input for tests and measurements.
pub mod generate;

// Phases, in the order in which a row passes them.
pub mod stage;
pub mod check;
pub mod embed;
pub mod promote;
pub mod index;
pub mod validate;
pub mod rollback;
pub mod search;

// Conductors: the order of the phases, and what they would do.
pub mod pipeline;
pub mod plan;
pub mod examples;
pub mod preflight;

// Side: readers of events and outcomes.
pub mod metrics;
pub mod report;
pub mod telemetry;
