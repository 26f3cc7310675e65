//! A drawn chart: one bar a contestant, with the spread of its rounds.

use std::fmt::Write as _;

use super::report::{median, ratio};
use super::suites::Measured;

/// Pixels: a line of the chart, the names, the longest bar, and what stands behind it.
const LINE: f64 = 34.0;
const NAMES: f64 = 250.0;
const BARS: f64 = 400.0;
const FIGURES: f64 = 150.0;
const HEAD: f64 = 44.0;

/// The chart as SVG, readable on light and dark ground.
pub fn bars(title: &str, measured: &[Measured]) -> String {
    let taken: Vec<(&Measured, &Vec<_>)> =
        measured.iter().filter_map(|one| Some((one, one.samples.as_ref().ok()?))).collect();
    let slowest = taken.iter().flat_map(|(_, samples)| samples.iter()).map(|sample| sample.seconds).fold(0.1, f64::max);
    let first = taken.first().map(|(_, samples)| samples.as_slice()).unwrap_or_default();
    let lines: f64 = taken.iter().map(|_| LINE).sum();
    let (width, height) = (NAMES + BARS + FIGURES, HEAD + lines + 8.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"26\" font-weight=\"600\" fill=\"#1f2328\">{title}</text>\n"
    );
    let mut top = HEAD;
    for (one, samples) in taken {
        let (name, middle) = (one.contestant.name.replace('\\', ""), top + LINE / 2.0);
        let seconds = median(samples.iter().map(|sample| sample.seconds));
        let scale = |seconds: f64| NAMES + BARS * seconds / slowest;
        let other = ["psql", "pg_restore", "pgcopydb", "pgloader"].iter().any(|program| name.contains(program));
        let fill = if other { "#9aa4af" } else { "#1f6feb" };
        let fastest = samples.iter().map(|sample| sample.seconds).fold(f64::MAX, f64::min);
        let slowest = samples.iter().map(|sample| sample.seconds).fold(0.0, f64::max);
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#1f2328\">{name}</text>\n\
             <rect x=\"{NAMES:.0}\" y=\"{:.0}\" width=\"{:.1}\" height=\"18\" rx=\"2\" fill=\"{fill}\"/>\n\
             <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.0}\" y2=\"{middle:.0}\" stroke=\"#1f2328\" stroke-width=\"1.5\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"#1f2328\">{seconds:.2} s · {:.2}</text>\n",
            NAMES - 10.0,
            middle + 5.0,
            middle - 9.0,
            scale(seconds) - NAMES,
            scale(fastest),
            scale(slowest),
            scale(slowest.max(seconds)) + 10.0,
            middle + 5.0,
            ratio(samples, first),
        );
        top += LINE;
    }
    svg + "</svg>\n"
}
