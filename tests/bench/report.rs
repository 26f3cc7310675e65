//! What was measured, as a section of docs/performance.md.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::measure::Sample;
use super::suites::{Measured, Suite};

/// What a page that was written by this begins and ends with, between what people wrote.
const BEGIN: &str = "<!-- measured: cargo bench --bench compare -- all --write -->\n";
const END: &str = "<!-- end of what was measured -->\n";

/// The middle value; of an even number, the lower of the two.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// The ratio to the first contestant, round by round, and the median of that: what a noisy neighbour does to one it does
/// to the other.
pub fn ratio(samples: &[Sample], first: &[Sample]) -> f64 {
    median(samples.iter().zip(first).map(|(own, first)| own.seconds / first.seconds))
}

/// One suite's table.
pub fn section(suite: Suite, measured: &[Measured], rounds: usize) -> String {
    let mut text = format!(
        "\n### {}\n\n`cargo bench --bench compare -- {} --rounds {rounds}`, medians.\n\n",
        suite.title(),
        suite.name()
    );
    text += "| | s | ratio | rows/min | MB/s | client CPU s | server CPU s | WAL MB | peak MB | leaves undone |\n|---|---|---|---|---|---|---|---|---|---|\n";
    let first = measured.first().and_then(|one| one.samples.as_ref().ok()).cloned().unwrap_or_default();
    for one in measured {
        let contestant = &one.contestant;
        match &one.samples {
            Err(why) => {
                let _ = writeln!(text, "| {} | could not: {why} | | | | | | | | |", contestant.name);
            }
            Ok(samples) => {
                let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
                let seconds = of(|sample| sample.seconds);
                let _ = writeln!(
                    text,
                    "| {} | {seconds:.2} | **{:.2}** | {:.0} | {:.0} | {:.2} | {:.2} | {:.0} | {:.0} | {} |",
                    contestant.name,
                    ratio(samples, &first),
                    whole(contestant.rows) / seconds * 60.0,
                    whole(contestant.text_bytes) / seconds / 1e6,
                    of(|sample| sample.client_cpu),
                    of(|sample| sample.server_cpu),
                    of(|sample| whole(sample.wal_bytes)) / 1e6,
                    of(|sample| whole(sample.peak_bytes)) / 1e6,
                    contestant.leaves_undone,
                );
            }
        }
    }
    text += &phases(measured);
    if suite == Suite::Size {
        let seconds = |place: usize| median(measured[place].samples.iter().flatten().map(|sample| sample.seconds));
        let exponent = |small: usize, large: usize| (seconds(large) / seconds(small)).log10();
        let _ = write!(
            text,
            "\nCost exponent (log10 of the ratio of times at ten times the size): gunzip \\| psql {:.2}, sqlmig run {:.2}.\n",
            exponent(0, 2),
            exponent(1, 3)
        );
    }
    let _ = write!(text, "\n![{}](images/performance-{}.svg)\n", suite.title(), suite.name());
    text
}

/// Wall-clock time of the phases of each run, for those that have some of their own.
fn phases(measured: &[Measured]) -> String {
    const PHASES: [&str; 5] = ["migrate", "stage", "check", "promote", "validate"];
    let several: Vec<&Measured> =
        measured.iter().filter(|one| one.phases.len() > 2 && !one.contestant.is_known).collect();
    if several.is_empty() {
        return String::new();
    }
    let mut text = format!("\n| phases, ms | {} |\n|---|{}\n", PHASES.join(" | "), "---|".repeat(PHASES.len()));
    for one in several {
        let cell = |name: &str| match one.phases.get(name) {
            Some(milliseconds) => format!(" {:.0} |", median(milliseconds.iter().copied())),
            None => " – |".to_owned(),
        };
        let _ = writeln!(text, "| {} |{}", one.contestant.name, PHASES.map(cell).concat());
    }
    text
}

/// A count, to compute with.
fn whole(count: u64) -> f64 {
    // Nothing that is counted here comes near 2^53.
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
    let count = count as f64;
    count
}

/// Puts what was measured in its place on the page.
pub fn write_page(page: &Path, measured: &str) {
    let text = fs::read_to_string(page).expect("docs/performance.md is there");
    let (before, rest) = text.split_once(BEGIN).expect("the page says where the measurements begin");
    let (_, after) = rest.split_once(END).expect("and where they end");
    fs::write(page, format!("{before}{BEGIN}{measured}{END}{after}")).expect("the page can be written");
}
