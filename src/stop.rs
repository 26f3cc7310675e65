//! The wish to stop, as a person or Kubernetes expresses it by a signal: asked for once, seen by everyone.
//!
//! Phases look at it between two pieces of work, never within one, so that what is in hand is finished or rolled back.

use std::fmt;

use tokio::sync::watch;

/// Whether it was asked to stop. Clones see the same wish.
#[derive(Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks everyone to stop.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked to stop.
    pub async fn requested(&self) {
        // The sender lives as long as this value, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stop({})", self.is_requested())
    }
}
