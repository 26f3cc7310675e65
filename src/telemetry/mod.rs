//! Progress display and logs, read from the event stream. Everything goes to stderr; stdout belongs to data.
//!
//! A process makes one [`Display`], hands it to [`log::init`], and gives its [`Display::events`] to the phases.

mod line;
mod run_id;
mod step;

pub mod log;
pub mod progress;

pub use progress::{Display, Mode};
pub use run_id::RunId;
