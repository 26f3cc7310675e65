//! Holds what a transform yields against what an example expects.

use serde_json::Value as Json;

use crate::project::Row;

/// A value as text; none is SQL's null.
pub(super) type Text = Option<String>;

/// Rows that a difference shows at most, of each kind.
const ROWS_SHOWN: usize = 10;
/// Characters of a value that a difference shows at most: a vector has thousands.
const WIDTH_SHOWN: usize = 60;

/// What differs between the rows yielded and those expected, for people; none when every expected row can be given a
/// yielded row of its own that agrees in the columns it names, and no yielded row is left.
pub(super) fn difference(columns: &[String], yielded: &[Vec<Text>], expected: &[Row]) -> Option<String> {
    if let Some(unknown) = expected.iter().flat_map(Row::keys).find(|name| !columns.contains(name)) {
        return Some(format!("it yields no column {unknown:?}; it yields {}", columns.join(", ")));
    }
    let agrees = |row: &Row, got: &[Text]| {
        row.iter().all(|(name, value)| columns.iter().position(|c| c == name).is_some_and(|at| got[at] == text(value)))
    };
    let partner = pair(expected.len(), yielded.len(), |want, got| agrees(&expected[want], &yielded[got]));
    let missing: Vec<&Row> =
        expected.iter().enumerate().filter(|(want, _)| !partner.contains(&Some(*want))).map(|(_, row)| row).collect();
    let left: Vec<&Vec<Text>> =
        yielded.iter().zip(&partner).filter(|(_, partner)| partner.is_none()).map(|(row, _)| row).collect();
    if missing.is_empty() && left.is_empty() {
        return None;
    }
    // The columns that the example is about; where it expects nothing, all of them.
    let mut shown: Vec<&String> =
        columns.iter().filter(|name| expected.iter().any(|row| row.contains_key(*name))).collect();
    if shown.is_empty() {
        shown = columns.iter().collect();
    }
    let wanted = missing.iter().map(|row| shown.iter().map(|name| row.get(*name).map(text)).collect()).collect();
    let place = |name: &String| columns.iter().position(|column| column == name);
    let got = left.iter().map(|row| shown.iter().map(|name| place(name).map(|at| row[at].clone())).collect()).collect();
    Some(sections(&shown, [("expected, and not yielded:", wanted), ("yielded, and not expected:", got)]))
}

fn text(value: &Json) -> Text {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Pairs as many expected rows with yielded rows as agree; for each yielded row its partner. Rows may name different
/// columns, so the first that agrees need not be the right one: augmenting paths (H. W. Kuhn, The Hungarian method, 1955).
fn pair(expected: usize, yielded: usize, agrees: impl Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    fn place(
        want: usize,
        agrees: &impl Fn(usize, usize) -> bool,
        partner: &mut [Option<usize>],
        tried: &mut [bool],
    ) -> bool {
        for got in 0..partner.len() {
            if tried[got] || !agrees(want, got) {
                continue;
            }
            tried[got] = true;
            if partner[got].is_none_or(|other| place(other, agrees, partner, tried)) {
                partner[got] = Some(want);
                return true;
            }
        }
        false
    }
    let mut partner = vec![None; yielded];
    for want in 0..expected {
        place(want, &agrees, &mut partner, &mut vec![false; yielded]);
    }
    partner
}

/// Rows as aligned text, each kind under its title. A cell is a value, or nothing where the row does not name the column.
fn sections(columns: &[&String], kinds: [(&str, Vec<Vec<Option<Text>>>); 2]) -> String {
    let heads: Vec<String> = columns.iter().map(|name| (*name).clone()).collect();
    let kinds = kinds.map(|(title, rows)| {
        let more = rows.len().saturating_sub(ROWS_SHOWN);
        let rows = rows.into_iter().take(ROWS_SHOWN).map(|row| row.into_iter().map(shown).collect());
        (title, rows.collect::<Vec<Vec<String>>>(), more)
    });
    let lines = || kinds.iter().flat_map(|(_, rows, _)| rows).chain([&heads]);
    let widths: Vec<usize> =
        (0..columns.len()).map(|at| lines().map(|line| line[at].chars().count()).max().unwrap_or(0)).collect();
    let aligned = |line: &Vec<String>| {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        format!("  {}", cells.join("  ").trim_end())
    };
    let mut text = Vec::new();
    for (title, rows, more) in kinds.iter().filter(|(_, rows, _)| !rows.is_empty()) {
        text.push((*title).to_owned());
        text.extend([&heads].into_iter().chain(rows).map(aligned));
        if *more > 0 {
            text.push(format!("  and {more} more"));
        }
    }
    text.join("\n")
}

/// A value on one line, quoted where it would be mistaken for something else.
fn shown(value: Option<Text>) -> String {
    let value = match value {
        None => return "*".to_owned(),
        Some(None) => return "null".to_owned(),
        Some(Some(value)) => value,
    };
    let plain = !value.is_empty() && value != "null" && value != "*" && value.trim() == value;
    let escape = |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() };
    let escaped: String = value.chars().map(escape).collect();
    let value = if plain { escaped } else { format!("\"{escaped}\"") };
    if value.chars().count() <= WIDTH_SHOWN {
        return value;
    }
    let start: String = value.chars().take(WIDTH_SHOWN - 1).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(value: Json) -> Vec<Row> {
        serde_json::from_value(value).unwrap()
    }

    fn got(values: &[[Option<&str>; 2]]) -> Vec<Vec<Text>> {
        values.iter().map(|row| row.iter().map(|value| value.map(str::to_owned)).collect()).collect()
    }

    #[test]
    fn rows_are_a_multiset_and_name_the_columns_they_care_for() {
        let columns = ["a".to_owned(), "b".to_owned()];
        let yielded = got(&[[Some("1"), Some("x")], [Some("1"), None]]);
        let compare = |expected| difference(&columns, &yielded, &rows(expected));
        assert_eq!(compare(json!([{ "b": null }, { "a": "1", "b": "x" }])), None);
        // The first row agrees with either; only one way round leaves a partner for the second.
        assert_eq!(compare(json!([{ "a": "1" }, { "b": "x" }])), None);
        assert_eq!(compare(json!([{ "a": "1" }, { "b": null }])), None);
        assert!(compare(json!([{ "b": "x" }, { "b": "x" }])).is_some());
        assert!(compare(json!([{ "a": "1" }])).is_some());
        assert!(compare(json!([{ "a": "1" }, { "a": "1" }, { "a": "1" }])).is_some());
    }

    #[test]
    fn a_difference_shows_both_sides() {
        let columns = ["a".to_owned(), "b".to_owned()];
        let yielded = got(&[[Some("1"), Some("a longer\nvalue")], [Some("22"), Some("null")]]);
        let expected = rows(json!([{ "a": "1", "b": null }, { "b": "" }]));
        insta::assert_snapshot!(difference(&columns, &yielded, &expected).unwrap(), @r#"
        expected, and not yielded:
          a   b
          1   null
          *   ""
        yielded, and not expected:
          a   b
          1   a longer\nvalue
          22  "null"
        "#);
        insta::assert_snapshot!(difference(&columns, &yielded[..1], &[]).unwrap(), @r"
        yielded, and not expected:
          a  b
          1  a longer\nvalue
        ");
        insta::assert_snapshot!(difference(&columns, &yielded, &rows(json!([{ "c": "" }]))).unwrap(), @r#"it yields no column "c"; it yields a, b"#);
    }
}
