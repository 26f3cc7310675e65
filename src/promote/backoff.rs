//! When to try again, and when to stop trying.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use crate::db::DbError;
use crate::event::Events;
use crate::stop::Stop;

use super::PromoteError;

/// Times something is tried when the database says that trying again may help.
pub(super) const ATTEMPTS: i32 = 5;
/// How long a server that cannot be reached is waited for: a crash recovery or a failover takes seconds.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// Pause before the second try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after so many failures, from 1: doubling, capped, and a quarter more or less, so that workers that failed
/// together do not come back together.
pub(super) fn pause(failures: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST_PAUSE);
    // The hasher's keys are random; nothing here needs more of chance than that.
    let random = RandomState::new().build_hasher().finish() % 1000;
    pause.mul_f64(0.75 + f64::from(u32::try_from(random).unwrap_or_default()) / 2000.0)
}

/// Waits, unless it is asked to stop.
///
/// # Errors
/// [`PromoteError::Interrupted`] when it is.
pub(super) async fn rest(pause: Duration, stop: &Stop) -> Result<(), PromoteError> {
    tokio::select! {
        () = tokio::time::sleep(pause) => Ok(()),
        () = stop.requested() => Err(PromoteError::Interrupted),
    }
}

/// What is borne between two successes.
pub(super) struct Outage<'a> {
    stop: &'a Stop,
    events: &'a Events,
    /// For how long lock timeouts are borne; beyond, they are bounded by their number, as other failures.
    lock_patience: Duration,
    unreachable_since: Option<Instant>,
    locked_since: Option<Instant>,
    tries: u32,
}

impl<'a> Outage<'a> {
    pub(super) fn new(stop: &'a Stop, events: &'a Events, lock_patience: Duration) -> Self {
        Self { stop, events, lock_patience, unreachable_since: None, locked_since: None, tries: 1 }
    }

    /// Tells of the failure and waits, if trying again may help.
    ///
    /// # Errors
    /// The failure itself, when it does not deserve another try or has had enough of them; or it is asked to stop.
    pub(super) async fn bear(&mut self, error: PromoteError) -> Result<(), PromoteError> {
        let Some(cause) = error.database() else { return Err(error) };
        let now = Instant::now();
        let is_borne = if is_outage(cause) {
            let since = *self.unreachable_since.get_or_insert(now);
            now.duration_since(since) < PATIENCE
        } else if cause.is_lock_timeout() {
            let since = *self.locked_since.get_or_insert(now);
            now.duration_since(since) < self.lock_patience || self.tries < ATTEMPTS.unsigned_abs()
        } else {
            cause.is_retryable() && self.tries < ATTEMPTS.unsigned_abs()
        };
        if !is_borne {
            return Err(error);
        }
        let pause = pause(self.tries);
        self.tries += 1;
        self.events.retry(format!("{error}; trying again in {:.1} s", pause.as_secs_f64()));
        rest(pause, self.stop).await
    }
}

/// Whether there is no server to write to: it is away, or it is a standby since a failover.
pub(super) fn is_outage(error: &DbError) -> bool {
    error.is_unavailable() || error.is_write_refused()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::doing;
    use crate::db::error::Cause;

    #[test]
    fn pauses_double_up_to_a_bound_and_are_never_quite_the_same() {
        for (failures, expected) in [(1, 100), (2, 200), (4, 800), (7, 5000), (60, 5000)] {
            let expected = Duration::from_millis(expected);
            for _ in 0..100 {
                let pause = pause(failures);
                assert!(pause >= expected.mul_f64(0.75) && pause <= expected.mul_f64(1.25), "{failures}: {pause:?}");
            }
        }
        let some: std::collections::HashSet<Duration> = (0..20).map(|_| pause(3)).collect();
        assert!(some.len() > 1);
    }

    #[tokio::test]
    async fn an_outage_is_borne_for_its_time_however_often_it_is_met() {
        let (stop, events) = (Stop::default(), Events::none());
        let away = || PromoteError::Db(doing("connect")(Cause::Pool("no server".into())));
        let mut outage = Outage::new(&stop, &events, Duration::ZERO);
        assert!(outage.bear(away()).await.is_ok());
        // Not even the last of a few tries.
        outage.tries = 1;
        outage.unreachable_since = Instant::now().checked_sub(PATIENCE / 2);
        assert!(outage.bear(away()).await.is_ok());
        outage.unreachable_since = Instant::now().checked_sub(PATIENCE + Duration::from_millis(1));
        assert!(outage.bear(away()).await.is_err());
        // What the database has not said is not borne at all.
        assert!(outage.bear(PromoteError::Interrupted).await.is_err());
    }
}
