//! How much may be asked at once: more while it goes well, half when the service says no, nothing when it is down.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// Pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause before a quarter more or less of it: with that, a minute at most.
const LONGEST_BACKOFF: Duration = Duration::from_secs(48);
/// The longest pause, whatever the service asks for.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// An answer that takes so many times the usual is a sign of congestion.
const SLOW: f64 = 3.0;
/// Answers faster than this are never slow, whatever is usual.
const FAST: Duration = Duration::from_millis(500);

/// Additive increase, multiplicative decrease of the requests in flight, with a circuit breaker.
#[derive(Debug)]
pub struct Throttle {
    limit: f64,
    most: usize,
    attempts: u32,
    failures: u32,
    paused_until: Option<Instant>,
    failed_at: Option<Instant>,
    usual: Option<f64>,
}

impl Throttle {
    /// At most so many requests at once; the circuit opens after so many failures with no success between.
    #[must_use]
    pub fn new(most: usize, attempts: u32) -> Self {
        Self {
            limit: 2.0_f64.min(float(most)),
            most: most.max(1),
            attempts: attempts.max(1),
            failures: 0,
            paused_until: None,
            failed_at: None,
            usual: None,
        }
    }

    /// How many requests may be in flight now.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and `most`")]
    pub fn allowed(&self) -> usize {
        (self.limit as usize).clamp(1, self.most)
    }

    /// How long to wait before the next request.
    #[must_use]
    pub fn pause(&self, now: Instant) -> Option<Duration> {
        self.paused_until.and_then(|until| until.checked_duration_since(now)).filter(|pause| !pause.is_zero())
    }

    /// Whether it failed too often: nothing more is sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.failures >= self.attempts
    }

    /// An answer came after `latency`; the service may want a rest before the next request (rate-limit headers).
    pub fn succeeded(&mut self, now: Instant, latency: Duration, rest: Option<Duration>) {
        self.failures = 0;
        let seconds = latency.as_secs_f64();
        let usual = *self.usual.get_or_insert(seconds);
        self.usual = Some(usual.mul_add(0.9, seconds * 0.1));
        if latency > FAST && seconds > usual * SLOW {
            self.limit = (self.limit * 0.75).max(1.0);
        } else {
            // One more for each full round of answers.
            self.limit = (self.limit + 1.0 / self.limit).min(float(self.most));
        }
        if let Some(rest) = rest {
            self.hold(now + rest.min(LONGEST_PAUSE));
        }
    }

    /// A request that began at `began` failed. Those that were in flight together count as one failure.
    pub fn failed(&mut self, began: Instant, now: Instant, retry_after: Option<Duration>) {
        if self.failed_at.is_none_or(|failed| began > failed) {
            self.failures += 1;
            self.limit = (self.limit / 2.0).max(1.0);
            self.failed_at = Some(now);
        }
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures.saturating_sub(1).min(16)));
        let pause = jittered(pause.min(LONGEST_BACKOFF));
        // What the service asks for is kept, and a little more, so that not all come back in the same instant.
        let pause = retry_after.map_or(pause, |asked| asked.min(LONGEST_PAUSE) + jittered(FIRST_PAUSE) / 4);
        self.hold(now + pause);
    }

    /// An answer to a request that began at `began` cannot be used: less is asked at once. The service is there, so that is no
    /// failure that the circuit counts.
    pub fn spoiled(&mut self, began: Instant, now: Instant) {
        if self.failed_at.is_none_or(|failed| began > failed) {
            self.limit = (self.limit / 2.0).max(1.0);
            self.failed_at = Some(now);
        }
    }

    /// Sends nothing for so long.
    pub fn hold_for(&mut self, pause: Duration) {
        self.hold(Instant::now() + pause);
    }

    fn hold(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |known| known.max(until)));
    }
}

/// A quarter more or less, so that those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    // The hasher's keys are random; nothing here needs more of chance than that.
    let random = RandomState::new().build_hasher().finish() % 1000;
    pause.mul_f64(0.75 + f64::from(u32::try_from(random).unwrap_or_default()) / 2000.0)
}

#[expect(clippy::cast_precision_loss, reason = "a number of connections")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_by_one_a_round_and_halves_at_a_failure() {
        let mut throttle = Throttle::new(8, 5);
        let now = Instant::now();
        assert_eq!(throttle.allowed(), 2);
        for _ in 0..100 {
            throttle.succeeded(now, Duration::from_millis(10), None);
        }
        assert_eq!(throttle.allowed(), 8);
        throttle.failed(now, now, None);
        assert_eq!(throttle.allowed(), 4);
        // In flight with the first: the same failure.
        throttle.failed(now, now + Duration::from_millis(5), None);
        assert_eq!(throttle.allowed(), 4);
        throttle.failed(now + Duration::from_secs(1), now + Duration::from_secs(2), None);
        assert_eq!(throttle.allowed(), 2);
        assert!(!throttle.is_open());
    }

    #[test]
    fn slow_answers_are_a_reason_to_ask_less() {
        let mut throttle = Throttle::new(8, 5);
        let now = Instant::now();
        for _ in 0..100 {
            throttle.succeeded(now, Duration::from_millis(300), None);
        }
        throttle.succeeded(now, Duration::from_secs(2), None);
        assert_eq!(throttle.allowed(), 6);
    }

    #[test]
    fn the_circuit_opens_after_failures_without_a_success() {
        let mut throttle = Throttle::new(8, 3);
        let mut now = Instant::now();
        for opened in [false, false, true] {
            now += Duration::from_mins(2);
            throttle.failed(now, now, None);
            assert_eq!(throttle.is_open(), opened);
        }
        throttle.succeeded(now, Duration::ZERO, None);
        assert!(!throttle.is_open());
    }

    #[test]
    fn answers_that_cannot_be_used_are_a_reason_to_ask_less_and_not_to_stop() {
        let mut throttle = Throttle::new(8, 2);
        let mut now = Instant::now();
        for _ in 0..100 {
            throttle.succeeded(now, Duration::from_millis(10), None);
        }
        for allowed in [4, 2, 1, 1] {
            now += Duration::from_secs(1);
            throttle.spoiled(now, now);
            assert_eq!((throttle.allowed(), throttle.is_open()), (allowed, false));
        }
        assert!(throttle.pause(now).is_none());
    }

    /// The pause after so many failures without a success between.
    fn pause_after(failures: u32) -> Duration {
        let mut throttle = Throttle::new(8, u32::MAX);
        let mut now = Instant::now();
        for _ in 0..failures {
            // Long after the pause of the last is over.
            now += Duration::from_mins(10);
            throttle.failed(now, now, None);
        }
        throttle.pause(now).unwrap()
    }

    #[test]
    fn the_pause_doubles_with_each_failure_up_to_a_minute() {
        for (failures, milliseconds) in [
            (1, 250),
            (2, 500),
            (3, 1000),
            (4, 2000),
            (5, 4000),
            (6, 8000),
            (7, 16_000),
            (8, 32_000),
            (9, 48_000),
            (10, 48_000),
            (40, 48_000),
        ] {
            let pause = pause_after(failures);
            let middle = Duration::from_millis(milliseconds);
            assert!(pause >= middle * 3 / 4 && pause <= middle * 5 / 4, "{failures}: {pause:?}");
            assert!(pause <= LONGEST_PAUSE, "{failures}: {pause:?}");
        }
        // A success begins it anew.
        let mut throttle = Throttle::new(8, u32::MAX);
        let now = Instant::now();
        for minutes in 1..6 {
            let now = now + Duration::from_mins(minutes);
            throttle.failed(now, now, None);
        }
        let now = now + Duration::from_mins(10);
        throttle.succeeded(now, Duration::ZERO, None);
        throttle.failed(now, now, None);
        assert!(throttle.pause(now).unwrap() <= Duration::from_millis(313));
    }

    #[test]
    fn a_pause_is_up_to_a_quarter_more_or_less_by_chance() {
        let second = Duration::from_secs(1);
        let pauses: Vec<Duration> = (0..2000).map(|_| jittered(second)).collect();
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*least >= second * 3 / 4 && *most <= second * 5 / 4, "{least:?} to {most:?}");
        // Of 2,000 that none is in the lowest or the highest tenth has a chance of one to 10^91.
        assert!(*least < Duration::from_millis(800) && *most > Duration::from_millis(1200), "{least:?} to {most:?}");
        assert!(jittered(Duration::ZERO).is_zero());
    }

    #[test]
    fn the_service_is_given_the_time_that_it_asks_for_within_reason() {
        let mut throttle = Throttle::new(1, 100);
        let now = Instant::now();
        throttle.failed(now, now, Some(Duration::from_secs(7)));
        let pause = throttle.pause(now).unwrap();
        assert!(pause >= Duration::from_secs(7) && pause < Duration::from_secs(8), "{pause:?}");
        throttle.failed(now + pause, now + pause, Some(Duration::from_hours(24)));
        assert!(throttle.pause(now + pause).unwrap() < Duration::from_secs(62));
    }
}
