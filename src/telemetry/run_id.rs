//! The run that log lines name.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// The run that this process works on, known once it has begun. One that tries rows of another again begins with that one, and goes
/// on with its own.
#[derive(Debug, Clone, Default)]
pub struct RunId(Arc<Mutex<Option<Uuid>>>);

impl RunId {
    /// The run, once it is known.
    #[must_use]
    pub fn get(&self) -> Option<Uuid> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the run known: the last one is the one in hand.
    pub(super) fn set(&self, run: Uuid) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }
}
