//! A picture of a dashboard's panels, where they stand in it, of what Prometheus answered to their queries.

use std::fmt::Write as _;

use serde_json::Value;

/// Pixels of one of Grafana's 24 columns, and of one of its rows.
const COLUMN: f64 = 50.0;
const ROW: f64 = 30.0;
const COLORS: [&str; 8] = ["#2f6fb0", "#d9822b", "#3a8f4c", "#b0343c", "#7a5aa8", "#7d5a4a", "#c2569b", "#6b6b6b"];

/// One line of an answer.
pub struct Series {
    pub labels: Vec<(String, String)>,
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// As Prometheus' API has it.
    pub fn of(result: &Value) -> Self {
        let labels = result["metric"].as_object().unwrap().iter();
        let point = |point: &Value| (point[0].as_f64().unwrap(), point[1].as_str().unwrap().parse().unwrap());
        Self {
            labels: labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            points: result["values"].as_array().unwrap().iter().map(point).collect(),
        }
    }

    /// What the legend says.
    fn called(&self, format: &str) -> String {
        self.labels
            .iter()
            .fold(format.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
    }
}

/// Draws the dashboard; `answers` has every query's answer with its panel's title, in the order of the panels.
pub fn draw(dashboard: &Value, answers: &[(String, Vec<Series>)], from: u64, to: u64) -> String {
    let panels = dashboard["panels"].as_array().unwrap();
    let bottom = panels.iter().map(|panel| place(panel, "y") + place(panel, "h")).fold(0.0, f64::max);
    let (width, height) = (24.0 * COLUMN, bottom * ROW);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#f4f5f7\"/>\n"
    );
    let mut answers = answers.iter();
    for panel in panels {
        let targets = panel["targets"].as_array().unwrap();
        let series: Vec<(String, &Series)> = targets
            .iter()
            .zip(answers.by_ref())
            .flat_map(|(target, (_, found))| {
                let format = target["legendFormat"].as_str().unwrap_or_default().to_owned();
                found.iter().map(move |series| (series.called(&format), series))
            })
            .collect();
        let (x, y) = (place(panel, "x") * COLUMN + 3.0, place(panel, "y") * ROW + 3.0);
        let (w, h) = (place(panel, "w") * COLUMN - 6.0, place(panel, "h") * ROW - 6.0);
        let _ = writeln!(
            svg,
            "<g transform=\"translate({x} {y})\"><rect width=\"{w}\" height=\"{h}\" rx=\"3\" fill=\"#fff\" stroke=\"#d5d8de\"/>\
             <text x=\"8\" y=\"16\" font-weight=\"bold\">{}</text>",
            escaped(panel["title"].as_str().unwrap())
        );
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
        match panel["type"].as_str().unwrap() {
            "timeseries" | "heatmap" => lines(&mut svg, &series, unit, (w, h), (from, to)),
            _ => last_values(&mut svg, &series, unit, (w, h)),
        }
        svg.push_str("</g>\n");
    }
    svg + "</svg>\n"
}

fn place(panel: &Value, side: &str) -> f64 {
    panel["gridPos"][side].as_f64().unwrap()
}

/// The values in the middle of the time: at the end a run rests.
fn last_values(svg: &mut String, series: &[(String, &Series)], unit: &str, (w, h): (f64, f64)) {
    let values: Vec<String> = series
        .iter()
        .filter_map(|(name, series)| {
            Some(format!("{name} {}", shown(series.points.get(series.points.len() * 2 / 3)?.1, unit)))
        })
        .take(7)
        .collect();
    let size = if values.len() > 2 { 12.0 } else { 18.0 };
    for (at, value) in (0_u32..).zip(&values) {
        let y = 22.0 + (h - 26.0) / f64::from(u32::try_from(values.len()).unwrap()) * (f64::from(at) + 0.65);
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{y:.0}\" font-size=\"{size}\" text-anchor=\"middle\">{}</text>",
            w / 2.0,
            escaped(value)
        );
    }
}

fn lines(svg: &mut String, series: &[(String, &Series)], unit: &str, (w, h): (f64, f64), (from, to): (u64, u64)) {
    let finite =
        || series.iter().flat_map(|(_, series)| &series.points).map(|point| point.1).filter(|value| value.is_finite());
    let top = finite().fold(0.0, f64::max).max(1e-9);
    let (left, right, upper, lower) = (58.0, w - 8.0, 28.0, h - 34.0);
    for share in [0.0, 0.5, 1.0] {
        let y = lower - share * (lower - upper);
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#e3e5ea\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#666\">{}</text>",
            left - 5.0,
            y + 4.0,
            shown(top * share, unit)
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let (from, to) = (from as f64, to as f64);
    let mut legend = left;
    for ((name, series), color) in series.iter().zip(COLORS.iter().cycle()) {
        let mut path = String::new();
        let mut last: Option<f64> = None;
        for (time, value) in series.points.iter().filter(|(_, value)| value.is_finite()) {
            let joined = last.is_some_and(|last| time - last < 3.0);
            last = Some(*time);
            let (x, y) = (left + (time - from) / (to - from) * (right - left), lower - value / top * (lower - upper));
            let _ = write!(path, "{}{x:.1} {y:.1}", if joined { "L" } else { "M" });
        }
        let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.6\"/>");
        let length = f64::from(u32::try_from(name.chars().count()).unwrap()) * 6.0 + 16.0;
        if legend + length < w {
            let _ = writeln!(
                svg,
                "<rect x=\"{legend}\" y=\"{}\" width=\"8\" height=\"8\" fill=\"{color}\"/><text x=\"{}\" y=\"{}\">{}</text>",
                h - 18.0,
                legend + 11.0,
                h - 10.0,
                escaped(name)
            );
        }
        legend += length;
    }
}

/// A value in its unit.
fn shown(value: f64, unit: &str) -> String {
    let scaled = |value: f64, base: f64| {
        let units = ["", "k", "M", "G"];
        let mut at = 0;
        let mut value = value;
        while value.abs() >= base && at + 1 < units.len() {
            value /= base;
            at += 1;
        }
        format!(
            "{}{}",
            if value != 0.0 && value.abs() < 0.1 {
                format!("{value:.4}")
            } else if value.abs() < 10.0 {
                format!("{value:.2}")
            } else {
                format!("{value:.0}")
            },
            units[at]
        )
    };
    match unit {
        "percentunit" => format!("{:.1} %", value * 100.0),
        "s" if value.abs() < 1.0 => format!("{:.0} ms", value * 1000.0),
        "s" => format!("{value:.1} s"),
        "bytes" => format!("{}B", scaled(value, 1024.0)),
        "Bps" => format!("{}B/s", scaled(value, 1000.0)),
        _ => scaled(value, 1000.0),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
