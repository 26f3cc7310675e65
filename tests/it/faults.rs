//! Every fault that is planted in a dump is found by the check that is named for it, and nothing else is touched.
//! The result is a page: `docs/faults.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::BufWriter;

use serde_json::Value;
use sqlmig::generate::{self, Shape};

use crate::harness::TestDb;
use crate::program::{MIGRATED, fixture, number, sqlmig};

/// A row that something found: source table, ordinal, what found it.
type Found = (String, i64, String);

/// What a kind of fault came to, over all dumps.
#[derive(Default)]
struct Tally {
    planted: usize,
    found: usize,
    false_alarms: usize,
}

type Page = BTreeMap<(String, String), Tally>;

/// Loads a dump with this index and holds what was found against what was planted.
async fn judge(page: &mut Page, dump: &str, index: &Value) {
    let db = TestDb::from(&MIGRATED, "faults").await;
    let report = sqlmig(&db, &format!("run {dump} --output json --batch-size 50")).await.code(0).json();
    let client = db.connect().await;
    for planted in index["tables"].as_array().unwrap() {
        let books =
            report["tables"].as_array().unwrap().iter().find(|books| books["source"] == planted["table"]).unwrap();
        assert_eq!(books["rows_read"], planted["rows"], "{dump}: {books}");
    }

    let rows = client.query(include_str!("../sql/found.sql"), &[]).await.unwrap();
    let found: BTreeSet<Found> = rows.iter().map(|row| (row.get("source"), row.get("row"), row.get("name"))).collect();
    let faults = index["faults"].as_array().unwrap();
    let place = |fault: &Value| (text(fault, "table"), fault["row"].as_i64().unwrap());
    let finding = |fault: &Value| (text(fault, "table"), fault["row"].as_i64().unwrap(), text(fault, "check"));
    let planted: BTreeSet<Found> = faults.iter().map(finding).collect();
    let false_alarms: Vec<&Found> = found.difference(&planted).collect();
    // The winner of a merge takes the embedding that it lacks: then none is missing, and that is what is found.
    let winners: BTreeSet<i64> = faults.iter().filter_map(|fault| fault["winner_row"].as_i64()).collect();
    let taken = |fault: &Value| {
        fault["check"] == "embedding_missing" && fault["row"].as_i64().is_some_and(|row| winners.contains(&row))
    };
    for fault in faults.iter().filter(|fault| fault["follows"] != true) {
        let tally = page.entry((text(fault, "check"), text(fault, "fault"))).or_default();
        tally.planted += 1;
        tally.found += usize::from(found.contains(&finding(fault)) || taken(fault));
        tally.false_alarms =
            tally.false_alarms.max(false_alarms.iter().filter(|alarm| alarm.2 == fault["check"]).count());
    }
    let missed: Vec<Found> = faults
        .iter()
        .filter(|fault| fault["follows"] != true && !taken(fault))
        .map(finding)
        .filter(|fault| !found.contains(fault))
        .collect();
    assert!(missed.is_empty() && false_alarms.is_empty(), "{dump}: missed {missed:?}, false alarms {false_alarms:?}");

    // What became of each row is what was to become of it.
    let of_fate = |fate: &str| faults.iter().filter(|fault| fault["fate"] == fate).map(place).collect::<BTreeSet<_>>();
    let taken_out = client.query("select source, row from sqlmig.quarantine", &[]).await.unwrap();
    let taken_out: BTreeSet<(String, i64)> = taken_out.iter().map(|row| (row.get("source"), row.get("row"))).collect();
    assert_eq!(taken_out, of_fate("quarantined"), "{dump}");
    let merged = client.query("select source, row, winner_row from sqlmig.merged", &[]).await.unwrap();
    let merged: BTreeMap<(String, i64), i64> =
        merged.iter().map(|row| ((row.get("source"), row.get("row")), row.get("winner_row"))).collect();
    let winners = faults.iter().filter(|fault| fault["fate"] == "merged");
    assert_eq!(merged, winners.map(|fault| (place(fault), fault["winner_row"].as_i64().unwrap())).collect(), "{dump}");

    // Clean rows, and those that are only reported, are in the final tables exactly as the dump has them; the winner of
    // a merge may have taken something.
    let table = index["tables"][1]["table"].as_str().unwrap();
    let not_clean: Vec<i64> = faults
        .iter()
        .filter(|fault| fault["table"] == table && fault["fate"] != "reported")
        .flat_map(|fault| [fault["row"].as_i64(), fault["winner_row"].as_i64()])
        .flatten()
        .collect();
    let query = match table {
        "public.documents" => include_str!("../sql/changed_documents.sql"),
        _ => include_str!("../sql/changed_doc_embeddings.sql"),
    };
    let changed = client.query(query, &[&not_clean]).await.unwrap();
    let changed: Vec<i64> = changed.iter().map(|row| row.get("row")).collect();
    assert!(changed.is_empty(), "{dump}: rows {changed:?} are not in the final table as they came");
    let winners = merged.keys().filter(|place| place.0 == table).count();
    let promoted = number(&client, "select count(*) from public.documents").await;
    let out = taken_out.iter().filter(|place| place.0 == table).count();
    assert_eq!(
        promoted,
        index["tables"][1]["rows"].as_i64().unwrap() - i64::try_from(out + winners).unwrap(),
        "{dump}"
    );
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

/// Rows that change on the way into staging: no dump can hold this fault.
async fn judge_changed_in_staging(page: &mut Page) {
    let db = TestDb::from(&MIGRATED, "staging").await;
    sqlmig(&db, &format!("stage {}", fixture("docs.sql.gz"))).await.code(0);
    let client = db.connect().await;
    client.batch_execute("update staging.documents set content = content || ' ' where _row in (1, 50)").await.unwrap();
    let doubled = "update staging.documents set embedding = embedding + embedding where _row in (2, 60, 70)";
    client.batch_execute(doubled).await.unwrap();
    sqlmig(&db, "check").await.code(0);
    let rows = client.query(include_str!("../sql/found.sql"), &[]).await.unwrap();
    let mut found: Vec<i64> =
        rows.iter().filter(|row| row.get::<_, &str>("name") == "checksum").map(|row| row.get("row")).collect();
    found.sort_unstable();
    assert_eq!(found, [1, 2, 50, 60, 70]);
    for (fault, planted) in [("content_changed", 2), ("embedding_changed", 3)] {
        let tally = Tally { planted, found: planted, false_alarms: 0 };
        page.insert(("checksum".to_owned(), fault.to_owned()), tally);
    }
}

/// A dump with a share of every fault, in the file `name` of `folder`.
fn generated(folder: &std::path::Path, name: &str, shape: Shape) -> (String, Value) {
    let options = generate::Options {
        shape,
        documents: 400,
        seed: 7,
        faults: vec!["all=1%".parse().unwrap()],
        ..generate::Options::default()
    };
    let path = folder.join(name);
    let mut out = BufWriter::new(std::fs::File::create(&path).unwrap());
    let planted = generate::write_dump(&options, &mut out).unwrap();
    std::io::Write::flush(&mut out).unwrap();
    (path.display().to_string(), serde_json::to_value(&planted).unwrap())
}

#[tokio::test]
async fn every_fault_is_found_and_no_clean_row_is_touched() {
    let mut page = Page::new();
    for name in ["docs", "docs-newer", "crates", "unreadable"] {
        let index = std::fs::read_to_string(fixture(&format!("{name}.planted.json"))).unwrap();
        judge(&mut page, &fixture(&format!("{name}.sql.gz")), &serde_json::from_str(&index).unwrap()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, shape) in [("docs.sql", Shape::Docs), ("crates.sql", Shape::Crates)] {
        let (dump, index) = generated(folder.path(), name, shape);
        judge(&mut page, &dump, &index).await;
    }
    judge_changed_in_staging(&mut page).await;

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
    if std::env::var_os("SQLMIG_WRITE_DOCS").is_some() {
        std::fs::write(path, written(&page)).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert!(known == written(&page), "write it again: SQLMIG_WRITE_DOCS=1 cargo test --test it faults");
}

fn written(page: &Page) -> String {
    let mut text = String::from(
        "# Faults and what finds them\n\n\
         Faults are planted in dumps, with an index of which row has which; then the dumps are loaded, and what was found \
         is held\nagainst the index. Here it is over six dumps: the four in `fixtures/`, and two generated ones of 400 \
         documents with 1 % of each\nkind (`sqlmig generate --seed 7 --faults all=1%`, both shapes). The last two kinds \
         are planted in staging tables: they are\nchanges on the way from the reader.\n\n\
         A false alarm is a row that a check names and that was not planted for it. Every row without a fault is in the \
         final tables\nexactly as the dump has it; the test compares all columns.\n\n\
         | check | fault | planted | found | false alarms |\n|---|---|---:|---:|---:|\n",
    );
    let mut sum = Tally::default();
    let (in_staging, in_dumps): (Vec<_>, Vec<_>) =
        page.iter().partition(|((check, _), _)| check.ends_with("_checksum"));
    for ((check, fault), tally) in in_dumps.into_iter().chain(in_staging) {
        let Tally { planted, found, false_alarms } = tally;
        writeln!(text, "| `{check}` | {} | {planted} | {found} | {false_alarms} |", fault.replace('_', " ")).unwrap();
        sum.planted += planted;
        sum.found += found;
        sum.false_alarms += false_alarms;
    }
    writeln!(text, "| all | | {} | {} | {} |", sum.planted, sum.found, sum.false_alarms).unwrap();
    text + "\nThis page is written from `tests/it/faults.rs` by `SQLMIG_WRITE_DOCS=1 cargo test --test it faults`.\n"
}
