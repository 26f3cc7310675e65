//! Whether everything is ready, for people: a line a finding, the gravest first, and what to do about it.

use std::io::{self, Write};

use super::View;
use super::grid::{Mark, printable};
use crate::outcome::{Light, Preflight};

pub(super) fn write(preflight: &Preflight, view: View, writer: &mut dyn Write) -> io::Result<()> {
    writeln!(writer, "Target   {}", printable(&preflight.target))?;
    writeln!(writer, "Project  {}", printable(&preflight.project))?;
    if let Some(source) = &preflight.source {
        writeln!(writer, "Source   {}", printable(source))?;
    }
    writeln!(writer)?;
    let width = preflight.findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    for finding in &preflight.findings {
        let (sign, color) = match finding.light {
            Light::Info => (Mark::Good.sign(), 32),
            Light::Yellow => (Mark::Warn.sign(), 33),
            Light::Red => (Mark::Bad.sign(), 31),
        };
        let word = format!("{sign} {:6}", finding.light.as_str());
        let word = if view.color { format!("\x1b[{color}m{word}\x1b[0m") } else { word };
        writeln!(writer, "{word}  {:width$}  {}", finding.check, printable(&finding.message))?;
        if let Some(remedy) = &finding.remedy {
            writeln!(writer, "{:width$}            → {}", "", printable(remedy))?;
        }
    }
    for left_out in &preflight.left_out {
        writeln!(writer, "  left out: {}", printable(left_out))?;
    }
    let count = |light: Light| preflight.findings.iter().filter(|finding| finding.light == light).count();
    let (red, yellow) = (count(Light::Red), count(Light::Yellow));
    let strict = if preflight.strict { ", and yellow counts as red (--strict)" } else { "" };
    let verdict = if preflight.ready { "Ready" } else { "Not ready" };
    writeln!(writer, "\n{verdict}: {red} red, {yellow} yellow{strict}. Nothing was written.")
}
