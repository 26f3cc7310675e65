//! How far a phase is, how fast it goes and when it will be through: worked out here, for everybody who shows it.

use serde::Serialize;

/// Work is called steady, and the last while is believed, once it was watched for so long.
const SETTLED_SECONDS: f64 = 5.0;
/// The last while, in seconds: long enough that single batches do not show, short enough that a change does.
pub const RECENT_SECONDS: f64 = 60.0;

/// How far a phase is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// The phase.
    pub phase: String,
    /// What it is at: a table, a check, an index.
    pub doing: Option<String>,
    /// What is counted: `bytes` of the source as stored, `rows`, `checks`, `texts`, or `blocks` of an index.
    pub unit: &'static str,
    /// So much of it is done.
    pub done: i64,
    /// Of so much; none where nobody knows, as of a source from a pipe.
    pub total: Option<i64>,
    /// Share that is done, in percent.
    pub percent: Option<f64>,
    /// So much of it a second.
    pub per_second: Option<f64>,
    /// Rows that are done.
    pub rows: Option<i64>,
    /// Rows a second.
    pub rows_per_second: Option<f64>,
    /// Seconds until the phase is through, if it goes on like this.
    pub eta_seconds: Option<f64>,
    /// Seconds that it was worked on, all tries together.
    pub active_seconds: f64,
    /// Times that it was begun.
    pub tries: i64,
    /// Of a source that is read again after a stop: how much of what is staged was met again, in percent.
    pub reread_percent: Option<f64>,
}

/// What is known of the work of a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Done, in all tries.
    pub done: i64,
    /// Of so much.
    pub total: Option<i64>,
    /// Done in the last while.
    pub recent: i64,
    /// How long that while was, in seconds: [`RECENT_SECONDS`], or less where the present try is younger.
    pub recent_seconds: f64,
    /// Seconds that all tries took together: what lies between them is no work.
    pub active_seconds: f64,
}

impl Work {
    /// So much a second: of late, or, where of late nothing was done or there was no time to, in all tries. So a run that was
    /// stopped has a rate as soon as it goes on.
    #[must_use]
    pub fn per_second(&self) -> Option<f64> {
        if self.recent > 0 && self.recent_seconds >= SETTLED_SECONDS {
            return Some(float(self.recent) / self.recent_seconds);
        }
        (self.done > 0 && self.active_seconds > 0.0).then(|| float(self.done) / self.active_seconds)
    }

    /// Share that is done, in percent.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some((100.0 * float(self.done) / float(total)).clamp(0.0, 100.0))
    }

    /// Seconds that what is left takes.
    #[must_use]
    pub fn eta_seconds(&self) -> Option<f64> {
        let left = (self.total? - self.done).max(0);
        Some(float(left) / self.per_second()?)
    }
}

/// A source that is read again up to where it was staged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reread {
    /// Bytes met again.
    pub done: i64,
    /// Bytes that are staged.
    pub staged: i64,
    /// Seconds that it took.
    pub seconds: f64,
}

impl Reread {
    /// Share of it in percent; none once it is behind.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        (self.done < self.staged).then(|| (100.0 * float(self.done) / float(self.staged)).clamp(0.0, 100.0))
    }

    /// Seconds until it is behind; none where that cannot be told yet.
    #[must_use]
    pub fn eta_seconds(&self) -> Option<f64> {
        let left = (self.staged - self.done).max(0);
        if left == 0 {
            return Some(0.0);
        }
        (self.done > 0).then(|| float(left) * self.seconds / float(self.done))
    }
}

/// The time that one process was at one phase, as it says itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stint {
    /// The phase.
    pub phase: String,
    /// Whether it conducts the run, or helps.
    pub conducts: bool,
    /// What it is at.
    pub doing: Option<String>,
    /// What it has done of the phase, in the phase's unit.
    pub done: i64,
    /// Of so much.
    pub total: Option<i64>,
    /// Seconds that it took, or has taken so far.
    pub seconds: f64,
    /// Whether it has ended.
    pub ended: bool,
}

/// What is committed of a run: all of it, and what of it in the last while of the present stint.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Committed {
    /// Stored bytes of the source of which every row is staged; none where nobody knows.
    pub source_bytes: Option<i64>,
    /// Of these, of late.
    pub source_bytes_recent: i64,
    /// The source's size as stored, where it is known.
    pub source_total: Option<i64>,
    /// Rows of the source that are staged or in quarantine.
    pub rows_read: i64,
    /// Of these, of late.
    pub rows_read_recent: i64,
    /// Rows in committed batches.
    pub rows_done: i64,
    /// Rows in all batches.
    pub rows_planned: i64,
    /// In batches that were committed of late.
    pub rows_done_recent: i64,
}

impl Progress {
    /// How far the phase is that is being worked on, if any is: what the last conductor says that it is at, measured by what is
    /// committed of it.
    #[must_use]
    pub fn of(stints: &[Stint], committed: &Committed) -> Option<Self> {
        let now = stints.iter().rev().find(|stint| stint.conducts).filter(|stint| !stint.ended)?;
        let tries = stints.iter().filter(|stint| stint.conducts && stint.phase == now.phase);
        let active_seconds = tries.clone().map(|stint| stint.seconds).sum();
        let recent_seconds = now.seconds.min(RECENT_SECONDS);
        let work = |done, total, recent| Work { done, total, recent, recent_seconds, active_seconds };
        let own = Work { done: now.done, total: now.total, active_seconds: now.seconds, ..Work::default() };
        let (mut rows, mut reread) = (None, None);
        let (unit, work) = match now.phase.as_str() {
            "stage" => {
                rows = Some(work(committed.rows_read, None, committed.rows_read_recent));
                match committed.source_bytes {
                    Some(staged) => {
                        reread = Some(Reread { done: now.done, staged, seconds: now.seconds });
                        ("bytes", work(staged, committed.source_total, committed.source_bytes_recent))
                    }
                    None => ("rows", work(committed.rows_read, None, committed.rows_read_recent)),
                }
            }
            "promote" => {
                let total = Some(committed.rows_planned);
                let promoted = work(committed.rows_done, total, committed.rows_done_recent);
                rows = Some(promoted);
                ("rows", promoted)
            }
            "embed" => ("texts", own),
            "index" => ("blocks", own),
            _ => ("checks", own),
        };
        let reread = reread.filter(|reread| reread.percent().is_some());
        // One check takes a moment and the next an hour, and an index is built in passes of different length.
        let steady = !matches!(unit, "checks" | "blocks");
        let again = reread.map_or(Some(0.0), |reread| reread.eta_seconds());
        let eta = work.eta_seconds().zip(again).map(|(left, again)| left + again);
        Some(Self {
            phase: now.phase.clone(),
            doing: now.doing.clone(),
            unit,
            done: work.done,
            total: work.total,
            percent: work.percent(),
            per_second: work.per_second().filter(|_| steady),
            rows: rows.map(|rows| rows.done),
            rows_per_second: rows.and_then(|rows| rows.per_second()),
            eta_seconds: eta.filter(|_| steady),
            active_seconds,
            tries: i64::try_from(tries.count()).unwrap_or(i64::MAX),
            reread_percent: reread.and_then(|reread| reread.percent()),
        })
    }
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "rates and shares for people; no count here comes near 2^52")]
#[must_use]
pub fn float(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_recent_one_once_there_is_one() {
        let work = Work { done: 1000, total: Some(4000), recent: 600, recent_seconds: 60.0, active_seconds: 50.0 };
        assert_eq!(work.per_second(), Some(10.0));
        assert_eq!((work.percent(), work.eta_seconds()), (Some(25.0), Some(300.0)));
        // A process that has just begun, after one that did a thousand in fifty seconds: whatever lay between.
        let resumed = Work { recent: 0, recent_seconds: 1.0, ..work };
        assert_eq!((resumed.per_second(), resumed.eta_seconds()), (Some(20.0), Some(150.0)));
        // Two seconds say nothing yet.
        assert_eq!(Work { recent: 600, recent_seconds: 2.0, ..work }.per_second(), Some(20.0));
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let unsized_source = Work { done: 10, active_seconds: 5.0, ..Work::default() };
        assert_eq!((unsized_source.percent(), unsized_source.eta_seconds()), (None, None));
        assert_eq!(unsized_source.per_second(), Some(2.0));
        assert_eq!(Work { total: Some(7), ..Work::default() }.eta_seconds(), None);
        // More done than was laid out is all of it.
        let more = Work { done: 9, total: Some(7), active_seconds: 1.0, ..Work::default() };
        assert_eq!((more.percent(), more.eta_seconds()), (Some(100.0), Some(0.0)));
    }

    #[test]
    fn reading_again_is_a_part_of_the_way() {
        let half = Reread { done: 50, staged: 100, seconds: 4.0 };
        assert_eq!((half.percent(), half.eta_seconds()), (Some(50.0), Some(4.0)));
        assert_eq!(Reread { done: 0, ..half }.eta_seconds(), None);
        let behind = Reread { done: 130, ..half };
        assert_eq!((behind.percent(), behind.eta_seconds()), (None, Some(0.0)));
    }
    fn at(phase: &str, done: i64, seconds: f64) -> Stint {
        Stint { phase: phase.into(), conducts: true, done, seconds, ..Stint::default() }
    }

    #[test]
    fn a_run_that_was_stopped_knows_at_once_when_it_will_be_through() {
        let committed =
            Committed { source_bytes: Some(600), source_total: Some(1000), rows_read: 60, ..Committed::default() };
        // Killed after a minute; the new process has read 300 of the 600 bytes again, in two seconds.
        let killed = at("stage", 600, 60.0);
        let progress = Progress::of(&[killed.clone(), at("stage", 300, 2.0)], &committed).unwrap();
        assert_eq!((progress.percent, progress.reread_percent, progress.tries), (Some(60.0), Some(50.0), 2));
        // 400 bytes at 600 in 62 seconds, after 300 more at 300 in 2.
        let expected = 400.0 * 62.0 / 600.0 + 2.0;
        assert!((progress.eta_seconds.unwrap() - expected).abs() < 1e-9, "{progress:?}");
        // Once that is behind, only the rest counts, at the rate of late.
        let committed = Committed { source_bytes: Some(700), source_bytes_recent: 100, ..committed };
        let progress = Progress::of(&[killed, at("stage", 710, 10.0)], &committed).unwrap();
        assert_eq!((progress.eta_seconds, progress.reread_percent), (Some(30.0), None));
    }

    #[test]
    fn a_source_of_unknown_size_has_rows_and_a_rate() {
        let committed = Committed { source_bytes: Some(600), rows_read: 60, ..Committed::default() };
        let progress = Progress::of(&[at("stage", 600, 30.0)], &committed).unwrap();
        assert_eq!((progress.percent, progress.eta_seconds), (None, None));
        assert_eq!((progress.rows, progress.rows_per_second, progress.per_second), (Some(60), Some(2.0), Some(20.0)));
    }

    #[test]
    fn what_is_at_work_is_what_the_last_conductor_is_at() {
        let worker = Stint { conducts: false, ..at("promote", 3, 1.0) };
        let committed = Committed { rows_done: 30, rows_planned: 40, ..Committed::default() };
        let promoting =
            Progress::of(&[at("stage", 1, 9.0), at("promote", 0, 10.0), worker.clone()], &committed).unwrap();
        assert_eq!((promoting.phase.as_str(), promoting.percent, promoting.tries), ("promote", Some(75.0), 1));
        let ended = Stint { ended: true, ..at("promote", 0, 10.0) };
        assert_eq!(Progress::of(&[ended, worker], &committed), None);
        let check = Stint { total: Some(8), ..at("check", 2, 4.0) };
        let checking = Progress::of(&[check], &committed).unwrap();
        assert_eq!((checking.unit, checking.percent, checking.eta_seconds), ("checks", Some(25.0), None));
    }
}
