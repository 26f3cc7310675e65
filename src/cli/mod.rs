//! The command line: what may be typed, what it resolves to, and how a failure is told.
//!
//! clap's types end here; everything below gets [`settings::Settings`].

#[expect(clippy::doc_markdown, reason = "doc comments there are help texts, read on a terminal")]
pub mod args;
mod codes;
pub mod before;
pub mod commands;
pub mod completions;
pub mod consent;
pub mod embedding;
pub mod examples;
pub mod failure;
pub mod generate;
#[cfg(test)]
mod help;
pub mod interrupt;
pub mod metrics;
pub mod options;
pub mod plan;
pub mod preflight;
pub mod presentation;
pub mod quarantine;
#[cfg(test)]
mod reference;
pub mod rollback;
pub mod search;
pub mod server;
pub mod settings;
pub mod show;
pub mod watch;
pub mod why;
pub mod written;
