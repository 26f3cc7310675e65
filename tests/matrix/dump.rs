//! The two dumps of the matrix: an older one that the database has, and the newer one that is loaded under faults.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

const COLUMNS: &str = "id, maker, label, amount, note, part_of";

/// The dump that the database begins with: eight makers, sixty things.
pub fn older(path: &Path) {
    let mut text = begin();
    let makers: Vec<String> = (1..=8).map(|n| format!("maker {n}\tcountry {n}\n")).collect();
    block(&mut text, "public.makers (name, country)", &makers);
    let things: Vec<String> = (1..=60).map(|id| thing(id, "as it was", "\\N", None)).collect();
    block(&mut text, &format!("public.things ({COLUMNS})"), &things);
    fs::write(path, end(text)).unwrap();
}

/// The dump that is loaded: rows that are new, changed, the same, merged away and of no use, rows that are part of one that comes
/// batches later, in several COPY statements a table as `--load-via-partition-root` writes them, so that each is a chunk; in two gzip
/// members.
///
/// `other` makes one that differs from it in a letter or two of each chunk, and not in size: whatever of it is staged, the other
/// is found out.
pub fn newer(path: &Path, other: bool) {
    let mut text = begin();
    let makers: Vec<String> = (1..=12).map(|n| format!("maker {n}\tcountry {}\n", n + n / 6)).collect();
    block(&mut text, "public.makers (name, country)", &makers[..6]);
    let mut rest = makers[6..].to_vec();
    rest.push("nowhere\t\\N\n".into());
    block(&mut text, "public.makers (name, country)", &rest);
    let first_member = text.len();
    for part in 0..8 {
        let mut rows: Vec<String> = Vec::new();
        for id in part * 25 + 1..=part * 25 + 25 {
            rows.push(match id {
                1..=20 => thing(id, "as it was", "\\N", None),
                41..=60 => continue,
                _ => {
                    let whole = (id % 35 == 0).then_some(id + 60).filter(|whole| *whole <= 200);
                    thing(id, "as it is now", if id % 10 == 0 { "\\N" } else { "noted" }, whole)
                }
            });
        }
        // Each part has one row of each kind that is not promoted.
        let row = 1000 + part;
        rows.push(format!("{row}\tmaker 1\t\\N\t1\tno label\t\\N\n"));
        rows.push(format!("{row}\tmaker 99\tunknown maker\t1\t\\N\t\\N\n"));
        rows.push(format!("no number {part}\tmaker 1\tthe cast\t1\t\\N\t\\N\n"));
        rows.push(format!("{row}\tmaker 1\ttoo few fields\n"));
        rows.push(format!("{row}\tmaker 2\tnegative\t-{part}.5\t\\N\t\\N\n"));
        rows.push(format!("{}\tmaker 3\tcame later, in the last part\t2.50\t\\N\t\\N\n", 72 + part));
        block(&mut text, &format!("public.things ({COLUMNS})"), &rows);
    }
    let text = end(text);
    let text = if other { text.replace("\tcountry ", "\tcountrz ").replace("came later", "came latez") } else { text };
    let mut file = fs::File::create(path).unwrap();
    for member in [&text[..first_member], &text[first_member..]] {
        let mut encoder = GzEncoder::new(&mut file, Compression::none());
        encoder.write_all(member.as_bytes()).unwrap();
        encoder.finish().unwrap();
    }
}

/// A dump of few rows, whose run exchanges few messages.
pub fn small(path: &Path) {
    let mut text = begin();
    block(&mut text, "public.makers (name, country)", &["maker 1\tcountry 1\n".into(), "maker 2\tchanged\n".into()]);
    let rows = [
        thing(1, "as it was", "\\N", None),
        thing(2, "as it is now", "noted", Some(300)),
        thing(300, "new", "\\N", None),
        "301\tmaker 1\t\\N\t1\tno label\t\\N\n".into(),
        "302\tmaker 1\ttoo few fields\n".into(),
    ];
    block(&mut text, &format!("public.things ({COLUMNS})"), &rows);
    fs::write(path, end(text)).unwrap();
}

/// A tree of documentation: enough pages for two requests to a service of embeddings. `other` differs in a word of each.
pub fn tree(folder: &Path, other: bool) {
    let word = if other { "Turning" } else { "Dressing" };
    for page in 0..70 {
        let chapter = folder.join(format!("chapter_{}", page % 4));
        fs::create_dir_all(&chapter).unwrap();
        let text = format!("# {word} stone {page}\n\nThe furrows of stone {page} are cut {page} times.\n");
        fs::write(chapter.join(format!("stone_{page}.md")), text).unwrap();
    }
}

fn thing(id: u32, label: &str, note: &str, part_of: Option<u32>) -> String {
    let part_of = part_of.map_or_else(|| "\\N".to_owned(), |id| id.to_string());
    format!("{id}\tmaker {}\tthing {id} {label}\t{id}.25\t{note}\t{part_of}\n", id % 8 + 1)
}

fn begin() -> String {
    "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\n"
        .into()
}

fn block(text: &mut String, into: &str, rows: &[String]) {
    write!(text, "COPY {into} FROM stdin;\n{}\\.\n\n", rows.concat()).unwrap();
}

fn end(text: String) -> String {
    text + "\n--\n-- PostgreSQL database dump complete\n--\n"
}
