//! A run's memory over time, as a picture: its phases one after the other, without the time between them.

use std::fmt::Write as _;

use serde::Serialize;

use super::pace::{FEWEST, float, round};
use crate::outcome::MemorySlice;
use crate::report::grid::rounded;
use crate::report::grid::{duration, size};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 64.0;
/// A letter of a phase's name takes about so much; a name that is wider than its phase is left out.
const LETTER: f64 = 7.5;

/// Memory of all phases.
#[derive(Debug, Serialize)]
pub(super) struct Memory {
    width: f64,
    height: f64,
    area: String,
    edge: String,
    peak: String,
    seconds: String,
    phases: Vec<Stretch>,
    slices: Vec<Point>,
}

/// Where a phase stands in the picture.
#[derive(Debug, Serialize)]
struct Stretch {
    phase: String,
    x: f64,
    /// Whether its name fits.
    named: bool,
    peak: String,
}

#[derive(Debug, Serialize)]
struct Point {
    phase: String,
    from: String,
    memory: String,
}

/// The picture; none where too little was noted.
pub(super) fn memory(slices: &[MemorySlice]) -> Option<Memory> {
    if slices.len() < FEWEST {
        return None;
    }
    let span: f64 = slices.iter().map(|slice| slice.seconds).sum();
    let peak = slices.iter().map(|slice| slice.rss_bytes).max().filter(|peak| *peak > 0)?;
    let x = |seconds: f64| round(seconds / span.max(0.001) * WIDTH);
    let y = |bytes: i64| round(HEIGHT - float(bytes) / float(peak) * HEIGHT);
    let (mut area, mut edge, mut at) = (format!("M0 {HEIGHT}"), String::new(), 0.0);
    let (mut phases, mut points): (Vec<Stretch>, Vec<Point>) = (Vec::new(), Vec::new());
    for phase in slices.chunk_by(|one, next| one.phase == next.phase) {
        let (name, begin) = (&phase[0].phase, at);
        for slice in phase {
            let step = format!("V{}H{}", y(slice.rss_bytes), x(at + slice.seconds));
            let start = if edge.is_empty() { format!("M0 {}", y(slice.rss_bytes)) } else { String::new() };
            let _ = write!(edge, "{start}{step}");
            area += &step;
            let (from, memory) = (duration(rounded(at * 1000.0)), size(slice.rss_bytes));
            points.push(Point { phase: name.clone(), from, memory });
            at += slice.seconds;
        }
        let most = phase.iter().map(|slice| slice.rss_bytes).max().unwrap_or_default();
        let letters = i64::try_from(name.len()).unwrap_or(i64::MAX);
        phases.push(Stretch {
            phase: name.clone(),
            x: x(begin),
            named: x(at) - x(begin) > (float(letters) + 1.0) * LETTER,
            peak: size(most),
        });
    }
    let _ = write!(area, "V{HEIGHT}Z");
    let (peak, seconds) = (size(peak), duration(rounded(span * 1000.0)));
    Some(Memory { width: WIDTH, height: HEIGHT, area, edge, peak, seconds, phases, slices: points })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn slice(phase: &str, second: i64, seconds: f64, rss_bytes: i64) -> MemorySlice {
        let at = datetime!(2026-01-02 03:04:05 UTC) + time::Duration::seconds(second);
        MemorySlice { phase: phase.into(), at, seconds, rss_bytes }
    }

    #[test]
    fn phases_follow_each_other_however_long_lay_between() {
        let slices = [
            slice("stage", 0, 4.0, 10),
            slice("stage", 4, 4.0, 40),
            slice("check", 8, 0.1, 40),
            slice("promote", 9000, 8.0, 20),
        ];
        let memory = memory(&slices).unwrap();
        assert_eq!(memory.edge, "M0 48V48H213.7V0H427.3V0H432.7V32H860");
        assert_eq!(memory.area, "M0 64V48H213.7V0H427.3V0H432.7V32H860V64Z");
        let named: Vec<(&str, bool)> = memory.phases.iter().map(|one| (one.phase.as_str(), one.named)).collect();
        assert_eq!(named, [("stage", true), ("check", false), ("promote", true)]);
        assert_eq!(memory.seconds, "16.1 s");
    }

    #[test]
    fn too_little_is_no_picture() {
        assert!(memory(&[slice("stage", 0, 1.0, 10), slice("check", 1, 1.0, 10)]).is_none());
        let nothing: Vec<MemorySlice> = (0..9).map(|second| slice("stage", second, 1.0, 0)).collect();
        assert!(memory(&nothing).is_none());
    }
}
