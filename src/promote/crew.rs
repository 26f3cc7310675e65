//! How many workers have batches in hand: as many as a person said, or as many as turn out to be fastest.
//!
//! What a server bears is not to be read off its settings: its cores, disks and other users are out of sight. So the crew
//! starts small, measures rows a second over a few batches, and goes on in the direction in which that rises. Where one more
//! is no faster it goes back, and tries again later, since other users come and go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::outcome::Share;

/// Workers to begin with, where that many are allowed: the first finding of every measurement so far is that two are faster
/// than one, since one writes while the other waits for its COMMIT.
const FIRST: usize = 2;
/// A size is measured over at least so many batches a worker,
const BATCHES_A_WORKER: usize = 3;
/// and at least this long: shorter than that, a checkpoint or a neighbour decides.
const MEASURED_FOR: Duration = Duration::from_millis(500);
/// What one worker more must bring to stay, as a ratio. It costs a connection, and measurements scatter by a few percent.
const WORTH_IT: f64 = 1.07;
/// Measurements for which a size that was found best is kept before its neighbours are tried again.
const KEPT_FOR: u32 = 12;

/// The workers of this process.
pub(super) struct Crew {
    /// No more than these, ever.
    most: usize,
    /// Whether the size is found by measuring.
    adapts: bool,
    state: Mutex<State>,
    changed: Notify,
    spent: Spent,
}

/// Time of all workers together, in nanoseconds.
#[derive(Default)]
struct Spent {
    whole: AtomicU64,
    writing: AtomicU64,
    committing: AtomicU64,
}

struct State {
    /// Workers that may take batches.
    size: usize,
    /// Whether there is nothing left to do: nobody needs to wait to be let in.
    dismissed: bool,
    measured_since: Instant,
    rows: u64,
    batches: usize,
    /// Rows a second by size, as measured last.
    rates: BTreeMap<usize, f64>,
    /// Measurements until the neighbours of this size are tried.
    keep: u32,
    /// The size that is held against this one.
    before: Option<usize>,
}

/// A change of size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// Workers from now on.
    pub workers: usize,
    /// What was measured.
    pub why: String,
}

impl Crew {
    /// So many workers, from beginning to end.
    pub fn fixed(workers: usize) -> Self {
        Self::new(workers.max(1), workers.max(1), false)
    }

    /// As many as turn out to be fastest, at most `most`.
    pub fn adapting(most: usize) -> Self {
        Self::new(FIRST.min(most).max(1), most.max(1), true)
    }

    fn new(size: usize, most: usize, adapts: bool) -> Self {
        let state = State {
            size,
            dismissed: false,
            measured_since: Instant::now(),
            rows: 0,
            batches: 0,
            rates: BTreeMap::new(),
            keep: 0,
            before: None,
        };
        Self { most, adapts, state: Mutex::new(state), changed: Notify::new(), spent: Spent::default() }
    }

    /// Places for workers: those beyond the present size wait.
    pub fn places(&self) -> usize {
        self.most
    }

    #[cfg(test)]
    fn size(&self) -> usize {
        self.state().size
    }

    /// Waits until the worker of this place, from 0, may take a batch; false when there are none left to take.
    pub async fn admits(&self, place: usize) -> bool {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that no change falls between the two.
            changed.as_mut().enable();
            {
                let state = self.state();
                if state.dismissed || place < state.size {
                    return !state.dismissed;
                }
            }
            changed.await;
        }
    }

    /// A new transform begins: rows of another width, so what was measured of the last one says nothing.
    pub fn begin(&self) {
        let mut state = self.state();
        state.dismissed = false;
        state.rates.clear();
        state.before = None;
        state.keep = 0;
        state.measure_anew();
    }

    /// No batch is left, or nobody is to take one any more.
    pub fn dismiss(&self) {
        self.state().dismissed = true;
        self.changed.notify_waiters();
    }

    /// A batch was committed; says when the size changes by it.
    pub fn finished(&self, rows: u64) -> Option<Change> {
        let mut state = self.state();
        state.rows += rows;
        state.batches += 1;
        let elapsed = state.measured_since.elapsed();
        if !self.adapts || elapsed < MEASURED_FOR || state.batches < state.size * BATCHES_A_WORKER {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate to compare with another")]
        let rate = state.rows as f64 / elapsed.as_secs_f64();
        let change = state.judge(rate, self.most);
        state.measure_anew();
        drop(state);
        if change.is_some() {
            self.changed.notify_waiters();
        }
        change
    }

    /// The server has too little for so many: one less, and no more for a while.
    pub fn too_many(&self) -> Option<Change> {
        let mut state = self.state();
        if !self.adapts || state.size == 1 {
            return None;
        }
        state.size -= 1;
        state.keep = KEPT_FOR;
        state.before = None;
        state.measure_anew();
        Some(Change { workers: state.size, why: "the server had no room for one more".into() })
    }

    /// Adds the time of one batch: all of it, and what of it the statement and COMMIT took.
    pub fn spent(&self, whole: Duration, writing: Duration, committing: Duration) {
        let spent = &self.spent;
        for (counter, time) in [(&spent.whole, whole), (&spent.writing, writing), (&spent.committing, committing)] {
            counter.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// What the workers were busy with so far.
    pub fn shares(&self) -> Vec<Share> {
        let parts = self.spent.parts().into_iter().flatten();
        parts.map(|(part, percent)| Share { part: part.to_owned(), share: percent / 100.0 }).collect()
    }

    /// How many workers there were at last, what was measured of that, and what held them up, for people.
    pub fn told(&self) -> String {
        let state = self.state();
        format!("{}{}", self.workers(&state), self.spent.told())
    }

    fn workers(&self, state: &State) -> String {
        let workers = if state.size == 1 { "1 worker".to_owned() } else { format!("{} workers", state.size) };
        match (self.adapts, state.rates.is_empty()) {
            (false, _) => workers,
            (true, true) => format!("{workers} (auto; too few batches to try others)"),
            (true, false) => format!("{workers} (auto; {})", rates(&state.rates)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    /// Its parts in percent of the time, once there is any.
    fn parts(&self) -> Option<[(&'static str, f64); 3]> {
        #[expect(clippy::cast_precision_loss, reason = "a share in percent")]
        let [whole, writing, committing] =
            [&self.whole, &self.writing, &self.committing].map(|counter| counter.load(Ordering::Relaxed) as f64);
        let [writing, committing] = [writing, committing].map(|part| 100.0 * part / whole);
        let others = (100.0 - writing - committing).max(0.0);
        (whole > 0.0).then_some([
            ("the server's statements", writing),
            ("COMMIT, that is the WAL", committing),
            ("locks and answers", others),
        ])
    }

    /// What held the batches up, in words: "; held up by the server's statements (91 % of the time; COMMIT 6 %, locks and answers 3 %)".
    fn told(&self) -> String {
        let Some(parts) = self.parts() else { return String::new() };
        let [writing, committing, others] = parts.map(|part| part.1);
        let slowest = parts.iter().max_by(|one, other| one.1.total_cmp(&other.1)).map_or("", |part| part.0);
        format!(
            "; held up by {slowest} (statements {writing:.0} %, COMMIT {committing:.0} %, locks and answers {others:.0} %)"
        )
    }
}

impl State {
    fn measure_anew(&mut self) {
        self.measured_since = Instant::now();
        self.rows = 0;
        self.batches = 0;
    }

    /// Takes in what was measured of the present size.
    fn judge(&mut self, rate: f64, most: usize) -> Option<Change> {
        self.rates.insert(self.size, rate);
        if let Some(before) = self.before.take() {
            let known = self.rates.get(&before).copied().unwrap_or_default();
            let better = if self.size > before { rate > known * WORTH_IT } else { rate * WORTH_IT >= known };
            if !better {
                self.keep = KEPT_FOR;
                return Some(self.go(before));
            }
            // In the same direction, until it is no better.
            let next = if self.size > before { self.size + 1 } else { self.size - 1 };
            if (1..=most).contains(&next) {
                self.before = Some(self.size);
                return Some(self.go(next));
            }
            self.keep = KEPT_FOR;
            return None;
        }
        if self.keep > 0 {
            self.keep -= 1;
            return None;
        }
        // One more; at the bound, or where one more was no faster the last time, one less.
        let one_more = self.size + 1;
        let no_use = self.rates.get(&one_more).is_some_and(|known| *known <= rate * WORTH_IT);
        let next = if one_more <= most && !no_use { one_more } else { self.size - 1 };
        self.rates.retain(|size, _| *size == self.size);
        if next == 0 {
            self.keep = KEPT_FOR;
            return None;
        }
        self.before = Some(self.size);
        Some(self.go(next))
    }

    fn go(&mut self, size: usize) -> Change {
        self.size = size;
        Change { workers: size, why: rates(&self.rates) }
    }
}

/// "9,800 rows/s with 2, 9,700 with 3".
fn rates(rates: &BTreeMap<usize, f64>) -> String {
    let each = rates.iter().map(|(size, rate)| format!("{rate:.0} rows/s with {size}"));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that the crew goes through when rows a second depend on the size as `rate` says.
    fn sizes(most: usize, rounds: usize, rate: impl Fn(usize, usize) -> f64) -> Vec<usize> {
        let crew = Crew::adapting(most);
        let mut sizes = vec![crew.size()];
        for round in 0..rounds {
            let mut state = crew.state();
            let now = state.size;
            if let Some(change) = state.judge(rate(now, round), most) {
                sizes.push(change.workers);
            }
        }
        sizes
    }

    #[test]
    fn one_more_stays_while_it_is_faster() {
        // Four cores: beyond them nothing is gained.
        let sizes = sizes(16, 6, |size, _| 1000.0 * f64::from(u32::try_from(size.min(4)).unwrap()));
        assert_eq!(sizes, [2, 3, 4, 5, 4]);
    }

    #[test]
    fn fewer_stay_when_they_are_as_fast() {
        // One disk: two only get into each other's way.
        let sizes = sizes(16, 4, |size, _| if size == 1 { 1000.0 } else { 900.0 });
        assert_eq!(sizes[..3], [2, 3, 2]);
        let later = sizes_after_keeping(|size| if size == 1 { 1000.0 } else { 900.0 });
        assert_eq!(later, [2, 3, 2, 1]);
    }

    fn sizes_after_keeping(rate: impl Fn(usize) -> f64) -> Vec<usize> {
        sizes(3, 2 + usize::try_from(KEPT_FOR).unwrap() + 2, |size, _| rate(size))
    }

    #[test]
    fn what_changes_during_the_run_is_followed() {
        let kept = usize::try_from(KEPT_FOR).unwrap();
        // At first a third worker is of no use; later others leave the server, and it is.
        let sizes = sizes(3, 2 * kept + 8, |size, round| {
            if round < kept { 1000.0 } else { 1000.0 * f64::from(u32::try_from(size).unwrap()) }
        });
        assert_eq!(sizes.last(), Some(&3), "{sizes:?}");
    }

    #[test]
    fn never_more_than_allowed_and_never_none() {
        for most in 1..4 {
            assert!(
                sizes(most, 100, |size, _| 1.0 / f64::from(u32::try_from(size).unwrap()))
                    .iter()
                    .all(|size| (1..=most).contains(size))
            );
            assert!(
                sizes(most, 100, |size, _| f64::from(u32::try_from(size).unwrap()))
                    .iter()
                    .all(|size| (1..=most).contains(size))
            );
        }
    }

    #[test]
    fn a_server_without_room_is_asked_for_less() {
        let crew = Crew::adapting(8);
        assert_eq!(crew.too_many().map(|change| change.workers), Some(1));
        assert_eq!(crew.too_many(), None);
        assert_eq!(Crew::fixed(3).too_many(), None);
    }

    /// Commits so many batches, after as long as a measurement takes at least.
    fn commit(crew: &Crew, batches: usize, rows: u64) -> Option<Change> {
        let since = Instant::now().checked_sub(MEASURED_FOR);
        crew.state().measured_since = since.unwrap();
        (0..batches).map(|_| crew.finished(rows)).last().unwrap()
    }

    #[test]
    fn a_size_is_measured_over_some_batches_and_some_time() {
        let crew = Crew::adapting(8);
        // At 1,000 rows a second.
        let change = commit(&crew, 2 * BATCHES_A_WORKER - 1, 100);
        assert_eq!((change, crew.size()), (None, 2));
        assert_eq!(crew.finished(0).unwrap(), Change { workers: 3, why: "1000 rows/s with 2".into() });
        // Anew: neither rows nor batches nor the time from before.
        let state = crew.state();
        assert_eq!((state.rows, state.batches, state.before), (0, 0, Some(2)));
        drop(state);
        for _ in 0..3 * BATCHES_A_WORKER {
            assert_eq!(crew.finished(50), None, "a moment is no measurement");
        }
        // No faster with three.
        let why = "1000 rows/s with 2, 1000 rows/s with 3".into();
        assert_eq!(commit(&crew, 1, 50).unwrap(), Change { workers: 2, why });
        // The rows of another transform say nothing of these.
        crew.begin();
        let state = crew.state();
        assert!(state.rates.is_empty() && state.keep == 0 && state.before.is_none());
        drop(state);
        assert_eq!(commit(&Crew::fixed(3), 100, 100), None);
    }

    #[test]
    fn fewer_go_on_to_be_fewer_while_they_are_faster() {
        // Each worker is in the way of the others.
        assert_eq!(sizes_after_keeping(|size| 1200.0 / f64::from(u32::try_from(size).unwrap())), [2, 3, 2, 1]);
        let crew = Crew::adapting(4);
        let mut state = crew.state();
        state.size = 4;
        let went: Vec<usize> =
            [100.0, 200.0, 400.0].into_iter().map(|rate| state.judge(rate, 4).unwrap().workers).collect();
        assert_eq!((went, state.keep), (vec![3, 2, 1], 0));
        assert_eq!((state.judge(800.0, 4), state.keep), (None, KEPT_FOR));
    }

    #[test]
    fn what_one_more_brings_must_be_worth_it() {
        // Where it goes from a size, after another one was measured; the second is the one that it came from.
        let next = |now: (usize, f64), other: (usize, f64), before: Option<usize>| {
            let crew = Crew::adapting(8);
            let mut state = crew.state();
            state.size = now.0;
            state.rates.insert(other.0, other.1);
            state.before = before;
            state.judge(now.1, 8).unwrap().workers
        };
        assert_eq!(next((3, 1080.0), (2, 1000.0), Some(2)), 4);
        assert_eq!(next((3, 1060.0), (2, 1000.0), Some(2)), 2);
        assert_eq!(next((2, 940.0), (3, 1000.0), Some(3)), 1);
        assert_eq!(next((2, 930.0), (3, 1000.0), Some(3)), 3);
        // One more is tried, but not where it was of no use the last time.
        assert_eq!(next((2, 1000.0), (3, 1080.0), None), 3);
        assert_eq!(next((2, 1000.0), (3, 1060.0), None), 1);
    }

    #[test]
    fn it_tells_how_many_they_are_and_what_held_them_up() {
        let time = Duration::from_millis;
        assert_eq!(Crew::fixed(1).told(), "1 worker");
        assert_eq!(Crew::adapting(8).told(), "2 workers (auto; too few batches to try others)");
        assert!(Crew::fixed(1).shares().is_empty());
        let crew = Crew::fixed(3);
        assert_eq!((crew.places(), Crew::adapting(8).places(), Crew::adapting(1).size()), (3, 8, 1));
        crew.spent(time(50), time(20), time(10));
        crew.spent(time(50), time(40), time(20));
        let shares = crew.shares().into_iter().map(|share| (share.part, (share.share * 100.0).round()));
        let parts = ["the server's statements", "COMMIT, that is the WAL", "locks and answers"].map(str::to_owned);
        assert!(shares.eq(parts.into_iter().zip([60.0, 30.0, 10.0])));
        let held = "held up by the server's statements (statements 60 %, COMMIT 30 %, locks and answers 10 %)";
        assert_eq!(crew.told(), format!("3 workers; {held}"));
        let crew = Crew::adapting(8);
        commit(&crew, 2 * BATCHES_A_WORKER, 100);
        assert_eq!(crew.told(), "3 workers (auto; 1200 rows/s with 2)");
    }

    #[tokio::test]
    async fn places_beyond_the_size_wait_until_they_are_let_in_or_sent_home() {
        let crew = Crew::adapting(3);
        assert!(crew.admits(1).await);
        let let_in = tokio::join!(crew.admits(2), async {
            tokio::task::yield_now().await;
            crew.dismiss();
        });
        assert!(!let_in.0);
    }
}
