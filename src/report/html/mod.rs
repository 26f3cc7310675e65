//! The report as one page that needs nothing else: no script, no font, no picture from anywhere, readable in the dark, on paper
//! and by a screen reader.
//!
//! The geometry of the pictures is computed here; `page.html` and `style.css` are what it looks like. Every text goes through
//! [`printable`] and HTML's own escaping.

mod flow;
mod memory;
mod pace;

use std::io::{self, Write};

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::books::{Totals, imbalance, promoted};
use super::found::{Found, found};
use super::grid::{count, duration, printable, size, table_name};
use super::runs::{elapsed, moment};
use super::verdict;
use crate::outcome::Report;

/// Longer reasons are cut in the page; the ledger has them whole.
const LONGEST_REASON: usize = 400;

pub(super) fn write(report: &Report, writer: &mut dyn Write) -> io::Result<()> {
    let page = page(report).map_err(io::Error::other)?;
    writer.write_all(page.as_bytes())
}

fn page(report: &Report) -> Result<String, minijinja::Error> {
    let mut language = Environment::new();
    language.set_undefined_behavior(UndefinedBehavior::Strict);
    language.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => minijinja::escape_formatter(out, state, &Value::from(printable(text))),
        _ => minijinja::escape_formatter(out, state, value),
    });
    language.add_filter("count", count);
    language.add_filter("duration", duration);
    language.add_filter("size", size);
    language.add_filter("table", |name: &str| table_name(name));
    language.add_filter("decimal", |value: f64, places: usize| format!("{value:.places$}"));
    language.add_filter("rate", |value: f64| count(super::grid::rounded(value)));
    language.add_filter("moment", shown_moment);
    language.add_filter("cut", cut);
    language.add_filter("file_name", |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned());
    language.add_template("page.html", include_str!("page.html"))?;
    let (with, without): (Vec<_>, Vec<_>) = found(report).into_iter().partition(|found| found.check.rows_failed > 0);
    let (skipped, passed): (Vec<_>, Vec<_>) = without.into_iter().partition(|found| found.check.skipped.is_some());
    let verdict = verdict(report);
    let wrong: Vec<String> = report.tables.iter().filter_map(|table| imbalance(report, table)).collect();
    let of = promoted(&report.run.state, &report.tables);
    let counted = report.tables.iter().filter(|table| !of || table.used);
    language.get_template("page.html")?.render(Serde(Page {
        style: include_str!("style.css"),
        report,
        holds: verdict.holds,
        verdict: verdict.sentence,
        wrong,
        sums: Totals::of(counted),
        promoted: Totals::of(report.tables.iter()).promoted(),
        took: elapsed(&report.run),
        started: moment(report.run.started_at),
        flow: flow::flow(report),
        pace: pace::pace(&report.pace),
        memory: memory::memory(&report.memory),
        spread: pace::spread(&report.batch_spread),
        begun: of,
        phases: pace::phases(&report.phases),
        found: with,
        passed,
        skipped,
    }))
}

/// What the page is made of.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    report: &'a Report,
    holds: bool,
    verdict: String,
    /// How books do not balance, a sentence a table.
    wrong: Vec<String>,
    sums: Totals,
    promoted: i64,
    took: Option<String>,
    started: String,
    flow: Option<flow::Flow>,
    pace: Vec<pace::Pace>,
    memory: Option<memory::Memory>,
    spread: Option<pace::Spread>,
    /// Whether promotion has begun, so that a table without a target is only staged.
    begun: bool,
    phases: Vec<pace::Share<'a>>,
    /// Checks that found rows, that found none, and that did not run.
    found: Vec<Found<'a>>,
    passed: Vec<Found<'a>>,
    skipped: Vec<Found<'a>>,
}

/// A moment as RFC 3339 writes it, for people.
fn shown_moment(text: &str) -> String {
    let whole = text.split_once('.').map_or_else(|| text.trim_end_matches('Z'), |(whole, _)| whole);
    whole.replace('T', " ") + " UTC"
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_REASON {
        return text.to_owned();
    }
    let all = text.chars().count();
    text.chars().take(LONGEST_REASON).collect::<String>()
        + &format!(" … ({} characters)", count(super::grid::as_count(all)))
}
