//! The books as a picture: how many rows of each source table went where, as ribbons as wide as they are many.

use serde::Serialize;

use crate::outcome::{Report, TableBooks};
use crate::report::books::promoted;
use crate::report::grid::{count, table_name};

/// Width of the picture, and where its three columns stand, in its own units: 1 is a CSS pixel on a wide screen.
const WIDTH: f64 = 960.0;
const COLUMNS: [f64; 3] = [190.0, 485.0, 780.0];
/// Width of a node.
const NODE: f64 = 10.0;
/// Height that all rows together take, and what a thinnest ribbon does, so that one row among millions is seen.
const ALL_ROWS: f64 = 220.0;
const THINNEST: f64 = 1.5;
/// Height of a node's two lines of text, and the room between nodes.
const TEXT: f64 = 34.0;
const ROOM: f64 = 12.0;
/// Height of the columns' heads.
const TOP: f64 = 34.0;
/// Tables shown one by one; more are shown as one.
const MOST_TABLES: usize = 9;

/// Where rows end, from top to bottom: the word, and the colour's name in the style sheet.
const ENDS: [(&str, &str); 7] = [
    ("inserted", "inserted"),
    ("updated", "updated"),
    ("unchanged", "unchanged"),
    ("only staged", "staged"),
    ("not promoted", "waiting"),
    ("merged", "merged"),
    ("quarantined", "quarantined"),
];
const ONLY_STAGED: usize = 3;
const NOT_PROMOTED: usize = 4;
const MERGED: usize = 5;
const QUARANTINED: usize = 6;

/// The picture.
#[derive(Debug, Serialize)]
pub(super) struct Flow {
    width: f64,
    height: f64,
    heads: Vec<Head>,
    ribbons: Vec<Ribbon>,
    nodes: Vec<Node>,
    /// What the picture says, for who does not see it.
    said: String,
}

#[derive(Debug, Serialize)]
struct Head {
    x: f64,
    anchor: &'static str,
    text: &'static str,
}

#[derive(Debug, Serialize)]
struct Ribbon {
    kind: &'static str,
    path: String,
    title: String,
}

#[derive(Debug, Serialize)]
struct Node {
    kind: &'static str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    label: Option<Label>,
    title: String,
}

#[derive(Debug, Serialize)]
struct Label {
    x: f64,
    y: f64,
    anchor: &'static str,
    name: String,
    figure: String,
}

/// The rows of one table, or of several.
struct Rows {
    name: String,
    read: i64,
    staged: i64,
    undecoded: i64,
    /// By [`ENDS`], without what could not be decoded.
    ends: [i64; ENDS.len()],
}

/// The picture of a run's books; nothing where no row was read.
pub(super) fn flow(report: &Report) -> Option<Flow> {
    let of = promoted(&report.run.state, &report.tables);
    let tables = few(report.tables.iter().filter(|table| table.rows_read > 0).map(|table| rows(table, of)).collect());
    let all: i64 = tables.iter().map(|table| table.read).sum();
    if all == 0 {
        return None;
    }
    Some(draw(&tables, Scale(ALL_ROWS / float(all))))
}

/// Where the rows of a table went.
fn rows(table: &TableBooks, promoted: bool) -> Rows {
    let undecoded = (table.rows_read - table.rows_staged).clamp(0, table.rows_quarantined.max(0));
    let mut ends = [0; ENDS.len()];
    ends[..3].copy_from_slice(&[table.rows_inserted, table.rows_updated, table.rows_unchanged]);
    ends[MERGED] = table.rows_merged;
    ends[QUARANTINED] = table.rows_quarantined - undecoded;
    let rest = (table.rows_staged - ends.iter().sum::<i64>()).max(0);
    ends[if promoted && !table.used { ONLY_STAGED } else { NOT_PROMOTED }] = rest;
    let name = table_name(&table.source);
    Rows { name, read: table.rows_read, staged: table.rows_staged, undecoded, ends }
}

/// The largest tables, and the others as one.
fn few(mut tables: Vec<Rows>) -> Vec<Rows> {
    if tables.len() <= MOST_TABLES {
        return tables;
    }
    tables.sort_by_key(|table| std::cmp::Reverse(table.read));
    let others = tables.split_off(MOST_TABLES - 1);
    let name = format!("{} other tables", others.len());
    let nothing = Rows { name, read: 0, staged: 0, undecoded: 0, ends: [0; ENDS.len()] };
    tables.push(others.into_iter().fold(nothing, |sum, table| Rows {
        name: sum.name,
        read: sum.read + table.read,
        staged: sum.staged + table.staged,
        undecoded: sum.undecoded + table.undecoded,
        ends: std::array::from_fn(|end| sum.ends[end] + table.ends[end]),
    }));
    tables
}

/// Height of a row.
#[derive(Clone, Copy)]
struct Scale(f64);

impl Scale {
    fn of(self, rows: i64) -> f64 {
        if rows > 0 { (float(rows) * self.0).max(THINNEST) } else { 0.0 }
    }
}

/// A column that is filled from the top.
struct Column {
    x: f64,
    y: f64,
}

impl Column {
    /// Room for a node of this height and its text; gives the top of the node.
    fn place(&mut self, height: f64) -> f64 {
        let slot = height.max(TEXT);
        let top = self.y + (slot - height) / 2.0;
        self.y += slot + ROOM;
        top
    }
}

fn draw(tables: &[Rows], scale: Scale) -> Flow {
    let [mut source, mut staged, mut ends] = COLUMNS.map(|x| Column { x, y: TOP });
    let (mut nodes, mut ribbons) = (Vec::new(), Vec::new());
    // The ends first: ribbons need to know where they lead.
    let height = |end: usize| {
        let of_table = |table: &Rows| {
            let undecoded = if end == QUARANTINED { table.undecoded } else { 0 };
            scale.of(table.ends[end]) + scale.of(undecoded)
        };
        tables.iter().map(of_table).sum::<f64>()
    };
    let mut into = [0.0; ENDS.len()];
    for (end, (word, kind)) in ENDS.into_iter().enumerate().filter(|(end, _)| height(*end) > 0.0) {
        let rows: i64 = tables.iter().map(|t| t.ends[end] + if end == QUARANTINED { t.undecoded } else { 0 }).sum();
        into[end] = ends.place(height(end));
        nodes.push(node(kind, &ends, into[end], height(end), word, rows, Side::Right));
    }
    for table in tables {
        let out: f64 = table.ends.iter().map(|rows| scale.of(*rows)).sum();
        let middle = out.max(scale.of(table.staged));
        let begin = scale.of(table.staged) + scale.of(table.undecoded);
        let tall = begin.max(middle).max(THINNEST);
        let mut from = source.place(tall);
        nodes.push(node("source", &source, from, begin.max(THINNEST), &table.name, table.read, Side::Left));
        let top = staged.place(tall);
        if table.staged > 0 {
            nodes.push(node("source", &staged, top, middle, "", table.staged, Side::Above));
            let title = format!("{}: {} rows staged", table.name, count(table.staged));
            let width = scale.of(table.staged);
            ribbons.push(ribbon("source", (&source, from), (&staged, top), width, title));
            from += width;
        }
        let mut leave = top;
        for (end, rows) in table.ends.into_iter().enumerate().filter(|(_, rows)| *rows > 0) {
            let title = format!("{}: {} rows {}", table.name, count(rows), ENDS[end].0);
            let width = scale.of(rows);
            ribbons.push(ribbon(ENDS[end].1, (&staged, leave), (&ends, into[end]), width, title));
            leave += width;
            into[end] += width;
        }
        if table.undecoded > 0 {
            let title = format!("{}: {} rows could not be decoded", table.name, count(table.undecoded));
            let width = scale.of(table.undecoded);
            ribbons.push(ribbon(ENDS[QUARANTINED].1, (&source, from), (&ends, into[QUARANTINED]), width, title));
            into[QUARANTINED] += width;
        }
    }
    let heads = [("read", "end"), ("staged", "middle"), ("became", "start")];
    let x = [COLUMNS[0] + NODE, COLUMNS[1] + NODE / 2.0, COLUMNS[2]];
    let heads = heads.into_iter().zip(x).map(|((text, anchor), x)| Head { x, anchor, text }).collect();
    let height = [source.y, staged.y, ends.y].into_iter().fold(0.0, f64::max);
    Flow { width: WIDTH, height, heads, ribbons, nodes, said: said(tables) }
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Above,
}

fn node(kind: &'static str, column: &Column, y: f64, height: f64, name: &str, rows: i64, side: Side) -> Node {
    let middle = y + height / 2.0;
    let (x, anchor) = match side {
        Side::Left => (column.x - 10.0, "end"),
        Side::Right => (column.x + NODE + 10.0, "start"),
        Side::Above => (column.x, "middle"),
    };
    let label = Label { x, y: middle, anchor, name: short(name), figure: count(rows) };
    let label = (!matches!(side, Side::Above)).then_some(label);
    let title = format!("{name}: {} rows", count(rows));
    Node { kind, x: column.x, y: round(y), width: NODE, height: round(height), label, title }
}

/// A band from one node to another, as wide at both ends.
fn ribbon(kind: &'static str, from: (&Column, f64), to: (&Column, f64), width: f64, title: String) -> Ribbon {
    let (x0, y0, x1, y1) = (from.0.x + NODE, from.1, to.0.x, to.1);
    let half = f64::midpoint(x0, x1);
    let [y0, y1, low0, low1] = [y0, y1, y0 + width, y1 + width].map(round);
    let path = format!("M{x0} {y0}C{half} {y0} {half} {y1} {x1} {y1}V{low1}C{half} {low1} {half} {low0} {x0} {low0}Z");
    Ribbon { kind, path, title }
}

/// The same in words.
fn said(tables: &[Rows]) -> String {
    let table = |table: &Rows| {
        let mut parts = vec![format!("{} read", count(table.read)), format!("{} staged", count(table.staged))];
        let ends = ENDS.iter().zip(table.ends).filter(|(_, rows)| *rows > 0);
        parts.extend(ends.map(|((word, _), rows)| format!("{} {word}", count(rows))));
        if table.undecoded > 0 {
            parts.push(format!("{} not decoded", count(table.undecoded)));
        }
        format!("{}: {}.", table.name, parts.join(", "))
    };
    tables.iter().map(table).collect::<Vec<_>>().join(" ")
}

/// A name that fits beside the picture; the title has it whole.
fn short(name: &str) -> String {
    const FITS: usize = 22;
    if name.chars().count() <= FITS {
        return name.to_owned();
    }
    name.chars().take(FITS - 1).chain(['…']).collect()
}

/// Coordinates need no more than a tenth of a pixel.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn float(rows: i64) -> f64 {
    rows as f64
}
