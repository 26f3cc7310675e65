//! The text format of Prometheus, version 0.0.4 (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use super::{Metric, Sample, Seen, Value};

/// Writes metrics; one that has no value is left out.
pub(super) fn write(metrics: &[Metric], seen: &Seen<'_>) -> String {
    let mut out = String::new();
    for metric in metrics {
        let samples = (metric.samples)(seen);
        if samples.is_empty() {
            continue;
        }
        let Metric { name, kind, help, .. } = metric;
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {}", escaped(help, false), kind.as_str());
        for Sample { labels, value } in samples {
            let labels: Vec<(&str, &str)> =
                metric.labels.iter().copied().zip(labels.iter().map(String::as_str)).collect();
            match value {
                Value::Number(value) => line(&mut out, name, "", &labels, None, value),
                Value::Times(times) => {
                    for (bound, count) in &times.buckets {
                        line(&mut out, name, "_bucket", &labels, Some(&bound.to_string()), float(*count));
                    }
                    line(&mut out, name, "_bucket", &labels, Some("+Inf"), float(times.count));
                    line(&mut out, name, "_sum", &labels, None, times.sum);
                    line(&mut out, name, "_count", &labels, None, float(times.count));
                }
            }
        }
    }
    out
}

fn line(out: &mut String, name: &str, suffix: &str, labels: &[(&str, &str)], bound: Option<&str>, value: f64) {
    let labels: Vec<String> = labels
        .iter()
        .copied()
        .chain(bound.map(|bound| ("le", bound)))
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true)))
        .collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(out, "{name}{suffix}{labels} {}", number(value));
}

/// A text in which a line end would end the line, and in a label's value a quote the value.
fn escaped(text: &str, is_label: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if is_label { text.replace('"', "\\\"") } else { text }
}

/// A number as Go reads it.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        value.to_string()
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
pub(super) fn float(count: i64) -> f64 {
    count as f64
}
