//! Jupyter notebooks, as Markdown: cells, and what they put out as text. Pictures are left out and counted.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::pieces::{headings, without_nul};
use super::value::{parse, value_without_nul};
use super::{Decoded, Format, FormatError, markdown, whole};

/// Whether a value is a notebook.
pub(super) fn is_notebook(value: &Value) -> bool {
    value.get("nbformat").is_some_and(Value::is_number)
        && (value.get("cells").is_some_and(Value::is_array) || value.get("worksheets").is_some_and(Value::is_array))
}

pub(super) fn decode(text: &str) -> Result<Decoded, FormatError> {
    let broken = |reason: String| FormatError::Broken { format: Format::Notebook, reason };
    let value = parse(Format::Json, text).map_err(broken)?;
    if !is_notebook(&value) {
        return Err(broken("it has no nbformat, or no cells".to_owned()));
    }
    of_value(&value)
}

pub(super) fn of_value(notebook: &Value) -> Result<Decoded, FormatError> {
    let nbformat = notebook.get("nbformat").and_then(Value::as_u64).unwrap_or_default();
    if !(3..=4).contains(&nbformat) {
        let reason = format!("nbformat {nbformat} is not read, 3 and 4 are");
        return Err(FormatError::Broken { format: Format::Notebook, reason });
    }
    let none = Vec::new();
    let cells: Vec<&Value> = if let Some(cells) = notebook.get("cells").and_then(Value::as_array) {
        cells.iter().collect()
    } else {
        let sheets = notebook.get("worksheets").and_then(Value::as_array).unwrap_or(&none);
        sheets.iter().filter_map(|sheet| sheet.get("cells")?.as_array()).flatten().collect()
    };
    let metadata = notebook.get("metadata").cloned().unwrap_or_default();
    let language = ["/language_info/name", "/kernelspec/language"]
        .iter()
        .find_map(|path| metadata.pointer(path).and_then(Value::as_str))
        .unwrap_or("python")
        .to_owned();
    let mut writer = Writer { language: &language, out: String::new(), counts: Counts::default() };
    for cell in cells {
        writer.cell(cell);
    }
    let Writer { out, counts, .. } = writer;
    let text = without_nul(&out);
    let marks = markdown::marks(&text);
    let mut parsed = Map::new();
    parsed.insert("nbformat".to_owned(), json!(nbformat));
    parsed.insert("language".to_owned(), json!(language));
    if let Some(first) = marks.first() {
        parsed.insert("title".to_owned(), json!(first.text));
    }
    for (name, count) in [
        ("markdown_cells", counts.markdown),
        ("code_cells", counts.code),
        ("raw_cells", counts.raw),
        ("outputs", counts.outputs),
        ("images_left_out", counts.images),
        ("other_outputs_left_out", counts.others),
    ] {
        parsed.insert(name.to_owned(), json!(count));
    }
    parsed.insert("headings".to_owned(), headings(&marks));
    let mut parsed = Value::Object(parsed);
    value_without_nul(&mut parsed);
    Ok(whole(Format::Notebook, parsed, text, marks))
}

#[derive(Default)]
struct Counts {
    markdown: u64,
    code: u64,
    raw: u64,
    outputs: u64,
    images: u64,
    others: u64,
}

struct Writer<'a> {
    language: &'a str,
    out: String,
    counts: Counts,
}

impl Writer<'_> {
    fn cell(&mut self, cell: &Value) {
        let source = lines(cell.get("source").or_else(|| cell.get("input")));
        match cell.get("cell_type").and_then(Value::as_str) {
            Some("code") => {
                self.counts.code += 1;
                let language = cell.get("language").and_then(Value::as_str).unwrap_or(self.language).to_owned();
                self.fenced(&language, &source);
                for output in cell.get("outputs").and_then(Value::as_array).into_iter().flatten() {
                    self.output(output);
                }
            }
            // Only nbformat 3 has these.
            Some("heading") => {
                let level = cell.get("level").and_then(Value::as_u64).unwrap_or(1).clamp(1, 6);
                let level = usize::try_from(level).unwrap_or(1);
                self.counts.markdown += 1;
                self.paragraph(&format!("{} {}", "#".repeat(level), source.replace('\n', " ")));
            }
            Some("raw") => {
                self.counts.raw += 1;
                self.paragraph(&source);
            }
            _ => {
                self.counts.markdown += 1;
                let attached = cell.get("attachments").and_then(Value::as_object).map_or(0, Map::len);
                let (source, written) = markdown::without_pictures(source);
                self.counts.images += attached as u64 + written;
                self.paragraph(&source);
            }
        }
    }

    fn output(&mut self, output: &Value) {
        self.counts.outputs += 1;
        let (own, data) = (output.as_object(), output.get("data").and_then(Value::as_object));
        let is_image = |key: &str| key.starts_with("image/") || matches!(key, "png" | "jpeg" | "svg");
        let images = data.or(own).into_iter().flat_map(Map::keys).filter(|key| is_image(key)).count();
        self.counts.images += images as u64;
        let text = match output.get("output_type").and_then(Value::as_str) {
            Some("stream") => lines(output.get("text")),
            Some("error" | "pyerr") => {
                let trace = lines_of_lines(output.get("traceback"));
                let name = output.get("ename").and_then(Value::as_str).unwrap_or_default();
                let value = output.get("evalue").and_then(Value::as_str).unwrap_or_default();
                if trace.is_empty() { format!("{name}: {value}") } else { trace }
            }
            _ => match data.or(own) {
                Some(data) => lines(data.get("text/plain").or_else(|| data.get("text"))),
                None => String::new(),
            },
        };
        if text.trim().is_empty() {
            if images == 0 {
                self.counts.others += 1;
            }
            return;
        }
        self.fenced("text", &without_escapes(&text));
    }

    fn paragraph(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.out.push_str(text.trim_end());
            self.out.push_str("\n\n");
        }
    }

    /// Code between fences that it does not hold itself.
    fn fenced(&mut self, language: &str, code: &str) {
        if code.trim().is_empty() {
            return;
        }
        let (mut longest, mut run) = (0, 0);
        for byte in code.bytes() {
            run = if byte == b'`' { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        let fence = "`".repeat((longest + 1).max(3));
        let language: String = language.chars().filter(|c| c.is_alphanumeric() || "+-#".contains(*c)).collect();
        let _ = write!(self.out, "{fence}{language}\n{}\n{fence}\n\n", code.trim_end_matches('\n'));
    }
}

/// A text, or the lines of one.
fn lines(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

/// Texts that are lines without line breaks.
fn lines_of_lines(value: Option<&Value>) -> String {
    let lines: Vec<&str> = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    lines.join("\n")
}

/// A text without a terminal's colours (ECMA-48, control sequences).
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let sequence = &rest[at + 2..];
        let end = sequence.bytes().position(|byte| (0x40..=0x7e).contains(&byte));
        rest = end.map_or("", |end| &sequence[end + 1..]);
    }
    out.push_str(rest);
    out
}
