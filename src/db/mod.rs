//! The target database: connection, TLS, embedded server, lock, and the typed wrappers of `sql/`.

mod attempts;
pub mod catalog;
pub mod conninfo;
pub mod connect;
pub mod embedded;
pub mod environment;
pub mod error;
pub mod ledger;
pub mod lock;
pub mod migrate;
pub mod password;
pub mod patience;
pub mod place;
pub mod pooler;
pub mod search;
pub mod scratch;
pub mod server_activity;
pub mod server_info;
pub mod staging;
pub mod tls;
mod transaction;
pub mod undo;

pub use attempts::attempts;
pub use connect::Connection;
pub use conninfo::{ConnInfoError, Target};
pub use embedded::{Embedded, EmbeddedError, EmbeddedOptions};
pub use error::{DbError, doing};
pub use place::Place;
pub use server_activity::{ServerActivity, server_activity};
pub use server_info::ServerInfo;
pub use transaction::transaction;
