//! How much memory this process has, and had.

use std::time::{Duration, Instant};

/// Slots kept at most; when they are full, two become one of twice the length.
const SLOTS: usize = 64;
/// How long a slot is at first: how often memory is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// Memory that this process has and the most that it had, in bytes, from Linux's /proc; `None` where there is none.
pub(super) fn memory() -> Option<(i64, i64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse::<i64>().ok().map(|kibibytes| kibibytes * 1024)
    };
    Some((bytes("VmRSS:")?, bytes("VmHWM:")?))
}

/// Memory over time, in a bounded number of slots: the most that was seen in each.
#[derive(Debug)]
pub(super) struct Trail {
    began: Instant,
    slot: Duration,
    slots: Vec<i64>,
}

impl Trail {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), slot: LOOK, slots: Vec::new() }
    }

    /// Looks at the memory of this process, and notes it.
    pub(super) fn look(&mut self) {
        if let Some((now, _)) = memory() {
            self.note(self.began.elapsed(), now);
        }
    }

    /// The length of a slot in milliseconds and what was seen in each, in bytes; `None` where nothing was.
    pub(super) fn slots(&self) -> Option<(i64, Vec<i64>)> {
        let slot = i64::try_from(self.slot.as_millis()).ok()?;
        Some((slot, self.slots.clone())).filter(|(_, slots)| !slots.is_empty())
    }

    fn note(&mut self, after: Duration, bytes: i64) {
        let place = |slot: Duration| usize::try_from(after.as_nanos() / slot.as_nanos()).unwrap_or(usize::MAX);
        while place(self.slot) >= SLOTS {
            self.slots = self.slots.chunks(2).map(|two| two.iter().copied().max().unwrap_or_default()).collect();
            self.slot *= 2;
        }
        let place = place(self.slot);
        // While nobody could look, it was what it had been.
        let before = self.slots.last().copied().unwrap_or(bytes);
        self.slots.resize(self.slots.len().max(place), before);
        match self.slots.get_mut(place) {
            Some(most) => *most = bytes.max(*most),
            None => self.slots.push(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_bounded_and_keeps_every_peak() {
        let mut trail = Trail::new();
        // An hour in which memory is 10, but for one moment in it.
        for look in 0_u32..36_000 {
            trail.note(LOOK * look, if look == 20_000 { 99 } else { 10 });
            assert!(trail.slots.len() <= SLOTS);
        }
        let (slot_ms, slots) = trail.slots().unwrap();
        assert!(slots.len() > SLOTS / 2, "{} slots", slots.len());
        assert!(slot_ms * i64::try_from(slots.len()).unwrap() >= 3_599_900);
        let peak = usize::try_from(20_000 * 100 / slot_ms).unwrap();
        for (place, bytes) in slots.iter().enumerate() {
            assert_eq!(*bytes, if place == peak { 99 } else { 10 }, "slot {place}");
        }
    }

    #[test]
    fn what_nobody_looked_at_is_as_it_was() {
        let mut trail = Trail::new();
        assert_eq!(trail.slots(), None);
        trail.note(Duration::from_millis(10), 5);
        trail.note(Duration::from_millis(90), 3);
        trail.note(Duration::from_millis(410), 8);
        trail.note(Duration::from_millis(420), 7);
        assert_eq!(trail.slots(), Some((100, vec![5, 5, 5, 5, 8])));
    }

    #[test]
    fn this_process_has_some() {
        let mut trail = Trail::new();
        trail.look();
        assert!(trail.slots().is_some_and(|(_, slots)| slots[0] > 1 << 20), "{trail:?}");
    }
}
