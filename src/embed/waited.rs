//! How long fetching was kept waiting, and by what.

use std::time::Duration;

/// How long fetching was kept waiting by the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Waited {
    /// For answers.
    pub answers: Duration,
    /// For the end of a pause that the service asked for or that its failures made necessary.
    pub pauses: Duration,
}

impl Waited {
    /// Adds a wait that began with so much of a pause left, while there was something to send.
    pub fn add(&mut self, waited: Duration, pause: Option<Duration>) {
        let paused = waited.min(pause.unwrap_or_default());
        self.pauses += paused;
        self.answers += waited.saturating_sub(paused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_a_pause_as_long_as_one_is_left() {
        let (mut waited, second) = (Waited::default(), Duration::from_secs(1));
        waited.add(5 * second, None);
        waited.add(3 * second, Some(2 * second));
        // An answer came before the pause was over.
        waited.add(second, Some(10 * second));
        assert_eq!(waited, Waited { answers: 6 * second, pauses: 3 * second });
    }
}
