//! What each check found, with some of the rows: what reports that are handed on show one by one.

use serde::Serialize;

use crate::outcome::{CheckResult, Finding, Report, Severity};

/// The name under which rows that could not be decoded are in quarantine.
const DECODE: &str = "decode";

/// One check, and some of what it found.
#[derive(Debug, Serialize)]
pub(super) struct Found<'a> {
    #[serde(flatten)]
    pub check: CheckResult,
    pub samples: Vec<&'a Finding>,
}

impl Found<'_> {
    /// Whether it has found what should not be. A warning is not that, nor is a duplicate that was merged.
    pub fn failed(&self) -> bool {
        self.check.rows_failed > 0 && self.check.severity != Severity::Warn && self.check.phase != "dedup"
    }
}

/// Every check, the gravest findings first, then in the order they ran; before them, where rows could not be decoded, those.
pub(super) fn found(report: &Report) -> Vec<Found<'_>> {
    let samples = |check: &CheckResult| {
        let of =
            |finding: &&Finding| finding.check == check.name && (finding.row.is_none() || of_table(check, finding));
        report.samples.iter().filter(of).collect()
    };
    let decoded = report.quarantine.iter().filter(|taken| taken.check == DECODE);
    let mut tables: Vec<CheckResult> = Vec::new();
    for taken in decoded {
        match tables.iter_mut().find(|check| check.on == taken.source) {
            Some(check) => check.rows_failed += taken.rows,
            None => tables.push(CheckResult {
                name: DECODE.to_owned(),
                phase: "stage".to_owned(),
                on: taken.source.clone(),
                severity: Severity::Reject,
                rows_examined: rows_read(report, &taken.source),
                rows_failed: taken.rows,
                elapsed_ms: 0,
                skipped: None,
            }),
        }
    }
    let checks = tables.into_iter().chain(report.checks.iter().cloned());
    let mut found: Vec<Found<'_>> = checks.map(|check| Found { samples: samples(&check), check }).collect();
    found.sort_by_key(|found| {
        (std::cmp::Reverse((found.check.rows_failed > 0).then_some(found.check.severity)), found.check.phase == "dedup")
    });
    found
}

fn rows_read(report: &Report, source: &str) -> i64 {
    report.tables.iter().find(|table| table.source == source).map_or(0, |table| table.rows_read)
}

/// Whether a finding is of the table that the check looked at; a check of several tables has one result each.
fn of_table(check: &CheckResult, finding: &Finding) -> bool {
    finding.source == check.on || !finding.source.contains('.') || !check.on.contains('.')
}
