//! How a run went over time, as pictures.

use std::fmt::Write as _;

use serde::Serialize;

use crate::outcome::{BatchSpread, PhaseTime, Slice};
use crate::report::grid::rounded;
use crate::report::grid::{count, duration};

/// Size of a phase's picture; the numbers of its scale stand left of it.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 84.0;
/// Fewer slices are no picture: a sentence says it.
pub(super) const FEWEST: usize = 4;

/// One phase over time.
#[derive(Debug, Serialize)]
pub(super) struct Pace {
    phase: String,
    what: &'static str,
    width: f64,
    height: f64,
    /// The area under the rate; empty where the phase was too short to draw.
    area: String,
    /// Its upper edge.
    edge: String,
    rows: i64,
    seconds: String,
    /// Rows per second of all of it, and of the best slice.
    mean: String,
    peak: String,
    /// What was read per second, in bytes; 0 where nothing was.
    bytes_per_second: i64,
    slices: Vec<Point>,
}

/// A slice, in numbers.
#[derive(Debug, Serialize)]
struct Point {
    from: String,
    rows: i64,
    rate: String,
}

/// Every phase that wrote down when it did what.
pub(super) fn pace(slices: &[Slice]) -> Vec<Pace> {
    let mut phases: Vec<&str> = Vec::new();
    for slice in slices {
        if !phases.contains(&slice.phase.as_str()) {
            phases.push(&slice.phase);
        }
    }
    phases
        .into_iter()
        .filter_map(|phase| one(phase, &slices.iter().filter(|slice| slice.phase == phase).collect::<Vec<_>>()))
        .collect()
}

fn one(phase: &str, slices: &[&Slice]) -> Option<Pace> {
    let (first, last) = (slices.first()?, slices.last()?);
    let since = |slice: &Slice| (slice.at - first.at).as_seconds_f64();
    let span = since(last) + last.seconds;
    let rate = |slice: &Slice| float(slice.rows) / slice.seconds.max(0.001);
    let peak = slices.iter().map(|slice| rate(slice)).fold(0.0, f64::max);
    let rows: i64 = slices.iter().map(|slice| slice.rows).sum();
    let bytes: i64 = slices.iter().map(|slice| slice.bytes).sum();
    let (mut area, mut edge) = (String::new(), String::new());
    if slices.len() >= FEWEST && peak > 0.0 {
        let x = |seconds: f64| round(seconds / span * WIDTH);
        let y = |rate: f64| round(HEIGHT - rate / peak * HEIGHT);
        let mut at = 0.0;
        let _ = write!(area, "M0 {HEIGHT}");
        for slice in slices {
            // Where nothing was done for longer than a slice, the line goes down to nothing.
            let (begin, end) = (since(slice), since(slice) + slice.seconds);
            if begin - at > slice.seconds / 2.0 {
                let _ = write!(area, "V{HEIGHT}H{}", x(begin));
                let _ = write!(edge, "{}V{HEIGHT}H{}", if edge.is_empty() { "M0 0" } else { "" }, x(begin));
            }
            let start = if edge.is_empty() { format!("M{} {}", x(begin), y(rate(slice))) } else { String::new() };
            let _ = write!(area, "V{}H{}", y(rate(slice)), x(end));
            let _ = write!(edge, "{start}V{}H{}", y(rate(slice)), x(end));
            at = end;
        }
        let _ = write!(area, "V{HEIGHT}Z");
    }
    Some(Pace {
        phase: phase.to_owned(),
        what: if phase == "embed" { "vectors" } else { "rows" },
        width: WIDTH,
        height: HEIGHT,
        area,
        edge,
        rows,
        seconds: duration(rounded(span * 1000.0)),
        mean: count(rounded(float(rows) / span.max(0.001))),
        peak: count(rounded(peak)),
        bytes_per_second: rounded(float(bytes) / span.max(0.001)),
        slices: slices
            .iter()
            .map(|slice| Point {
                from: duration(rounded(since(slice) * 1000.0)),
                rows: slice.rows,
                rate: count(rounded(rate(slice))),
            })
            .collect(),
    })
}

/// How many batches took how long: one bar a power of two, none left out between.
#[derive(Debug, Serialize)]
pub(super) struct Spread {
    width: f64,
    height: f64,
    bars: Vec<Bar>,
}

#[derive(Debug, Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    middle: f64,
    batches: i64,
    /// The least time, and the time that it was less than.
    from: String,
    below: String,
}

pub(super) fn spread(spread: &[BatchSpread]) -> Option<Spread> {
    const STEP: f64 = 72.0;
    const GAP: f64 = 8.0;
    let (first, last) = (spread.first()?.from_ms, spread.last()?.from_ms);
    let most = float(spread.iter().map(|bar| bar.batches).max()?);
    let mut bars = Vec::new();
    let mut from = first;
    while from <= last {
        let batches = spread.iter().find(|bar| bar.from_ms == from).map_or(0, |bar| bar.batches);
        let below = if from == 0 { 1 } else { from.checked_mul(2)? };
        let height = round(float(batches) / most * HEIGHT);
        let x = STEP * float(i64::try_from(bars.len()).ok()?);
        bars.push(Bar {
            x,
            y: HEIGHT - height,
            width: STEP - GAP,
            height,
            middle: x + (STEP - GAP) / 2.0,
            batches,
            from: duration(from),
            below: duration(below),
        });
        from = below;
    }
    Some(Spread { width: bars.last()?.x + STEP, height: HEIGHT, bars })
}

/// A phase, and its share of the time in percent.
#[derive(Debug, Serialize)]
pub(super) struct Share<'a> {
    #[serde(flatten)]
    phase: &'a PhaseTime,
    percent: f64,
    before: f64,
}

pub(super) fn phases(phases: &[PhaseTime]) -> Vec<Share<'_>> {
    let all = float(phases.iter().map(|phase| phase.elapsed_ms).sum::<i64>().max(1));
    let mut before = 0.0;
    let share = |phase| {
        let phase: &PhaseTime = phase;
        let percent = float(phase.elapsed_ms) / all * 100.0;
        before += percent;
        Share { phase, percent: round(percent), before: round(before - percent) }
    };
    phases.iter().map(share).collect()
}

pub(super) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "a picture")]
pub(super) fn float(value: i64) -> f64 {
    value as f64
}
