//! How many workers have batches in hand: as many as a person said, or as many as turn out to be fastest.
//!
//! What a server bears is not to be read off its settings: its cores, disks and other users are out of sight. So the crew
//! starts small, with as many as this machine has cores and the server has connections for, measures rows a second over a few
//! batches, and goes on in the direction in which that rises. Where one more is no faster it goes back, and tries again later,
//! since other users come and go.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::effort::{Effort, Spent};

/// Workers to begin with at least, where that many are allowed: the first finding of every measurement so far is that two are
/// faster than one, since one writes while the other waits for its COMMIT.
const FIRST_AT_LEAST: usize = 2;
/// And at most: this machine's cores say little of the server's, and too many get into each other's way from the first batch on.
const FIRST_AT_MOST: usize = 4;
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
    /// With how many it began and why, where that was not said by a person.
    began: Option<Start>,
}

/// With how many workers a crew begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Start {
    workers: usize,
    /// What says so, for people.
    why: String,
}

/// Connections that the server has for workers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Room {
    /// How many.
    pub connections: usize,
    /// What bounds them.
    pub bound: String,
}

impl Start {
    /// On a machine of so many cores; no more than `most`, and than there is room for, as far as that is known.
    pub fn of(cores: usize, most: usize, room: Option<Room>) -> Self {
        let here = if cores == 1 { "1 core here".to_owned() } else { format!("{cores} cores here") };
        let mut bounds = vec![
            (cores.max(FIRST_AT_LEAST), here.clone()),
            (FIRST_AT_MOST, format!("{here}, and no more at first")),
            (most, "no more by --max-connections".to_owned()),
        ];
        if let Some(Room { connections, bound }) = room {
            bounds.push((connections, format!("connections that are free by {bound}: {connections}")));
        }
        let least = bounds.into_iter().min_by_key(|bound| bound.0);
        let (workers, why) = least.unwrap_or((FIRST_AT_LEAST, here));
        // A worker that finds no connection waits for one.
        Self { workers: workers.max(1), why }
    }
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
    /// Those of the last transform that had batches enough to be measured.
    rates_before: BTreeMap<usize, f64>,
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
        Self::new(workers.max(1), workers.max(1), None)
    }

    /// As many as turn out to be fastest, at most `most`; to begin with, so many.
    pub fn adapting(most: usize, start: Start) -> Self {
        Self::new(start.workers.min(most).max(1), most.max(1), Some(start))
    }

    fn new(size: usize, most: usize, began: Option<Start>) -> Self {
        let state = State {
            size,
            dismissed: false,
            measured_since: Instant::now(),
            rows: 0,
            batches: 0,
            rates: BTreeMap::new(),
            rates_before: BTreeMap::new(),
            keep: 0,
            before: None,
        };
        let adapts = began.is_some();
        Self { most, adapts, state: Mutex::new(state), changed: Notify::new(), spent: Spent::default(), began }
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
        let rates = mem::take(&mut state.rates);
        if !rates.is_empty() {
            state.rates_before = rates;
        }
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

    /// What its time goes into.
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// How many workers there were at last, what was measured of that, and what their time went into.
    pub fn effort(&self) -> Effort {
        self.spent.effort(self.workers(&self.state()))
    }

    fn workers(&self, state: &State) -> String {
        let workers = if state.size == 1 { "1 worker".to_owned() } else { format!("{} workers", state.size) };
        let Some(Start { workers: first, why }) = &self.began else { return workers };
        let measured = if state.rates.is_empty() { &state.rates_before } else { &state.rates };
        let measured = if measured.is_empty() { "too few batches to try others".to_owned() } else { rates(measured) };
        format!("{workers} (auto; began with {first}: {why}; {measured})")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
