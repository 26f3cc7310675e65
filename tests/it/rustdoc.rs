//! The documentation of a crate as rustdoc itself writes it, in HTML and in JSON, and read from the crate's source: three ways to the
//! same items.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::TestDb;
use crate::program::{MIGRATED, finish, number, on, sqlmig, text};
use crate::trees::{service, versions};

/// A crate with one of each kind of item that rustdoc has a page or a place for.
const SOURCE: &str = r"//! The mill of a test.
//!
//! # Use
//!
//! ```
//! let wheel = mill::Wheel::new(3);
//! ```

mod inner {
    /// Where the water comes from, <em>written</em> in a private module.
    pub struct Source;
}
pub use inner::Source;

/// What turns in the stream.
///
/// # Panics
///
/// Never.
pub struct Wheel {
    /// How many paddles it has.
    pub paddles: u32,
}

/// How wheels are made.
impl Wheel {
    /// A wheel of so many paddles.
    pub fn new(paddles: u32) -> Self {
        Self { paddles }
    }
}

/// A mark in the stone.
pub struct Mark(/** Its depth. */ pub u32);

/// What is ground.
pub enum Grain {
    /// The soft one.
    Wheat,
    /// The one with a husk.
    Spelt {
        /// In kilograms.
        weight: u32,
    },
    /// What is left over.
    Bran(/** In sacks. */ u32),
}

/// What can turn.
pub trait Turn {
    /// Makes one turn.
    fn turn(&mut self);
}

impl Turn for Wheel {
    /// Loses a paddle at each.
    fn turn(&mut self) {
        self.paddles -= 1;
    }
}

/// Where stones are dressed.
pub mod stones {
    /// Dresses a stone.
    ///
    /// | tool | for |
    /// |---|---|
    /// | mill bill | furrows |
    pub fn dress(depth: u32) -> u32 {
        depth
    }

    /// The usual depth of a furrow.
    pub const DEPTH: u32 = 7;
}

/// Grinds what it is given.
#[macro_export]
macro_rules! grind {
    () => {};
}
";

/// The items that have a document of their own, and what it must say besides the item's own sentence.
const ITEMS: [(&str, &[&str]); 10] = [
    ("mill", &["The mill of a test.", "let wheel = mill::Wheel::new(3);"]),
    ("mill::Source", &["Where the water comes from", "in a private module"]),
    (
        "mill::Wheel",
        &[
            "What turns in the stream.",
            "Never.",
            "How many paddles",
            "How wheels are made.",
            "A wheel of so many",
            "Loses a paddle",
        ],
    ),
    ("mill::Mark", &["A mark in the stone.", "Its depth."]),
    (
        "mill::Grain",
        &[
            "What is ground.",
            "The soft one.",
            "The one with a husk.",
            "In kilograms.",
            "What is left over.",
            "In sacks.",
        ],
    ),
    ("mill::Turn", &["What can turn.", "Makes one turn."]),
    ("mill::stones", &["Where stones are dressed."]),
    ("mill::stones::dress", &["Dresses a stone.", "mill bill | furrows"]),
    ("mill::stones::DEPTH", &["The usual depth of a furrow."]),
    ("mill::grind", &["Grinds what it is given."]),
];

/// What is not read from source: what an `impl` says of itself and of a trait's methods, and fields of variants.
const NOT_IN_SOURCE: [&str; 4] = ["How wheels are made.", "Loses a paddle", "In kilograms.", "In sacks."];

/// rustdoc, beside the cargo that built this test.
fn rustdoc(folder: &Path, more: &[&str]) {
    let beside = Path::new(env!("CARGO")).with_file_name("rustdoc");
    let program = if beside.exists() { beside } else { PathBuf::from("rustdoc") };
    let mut command = Command::new(&program);
    command.args(["--crate-name", "mill", "--crate-version", "0.4.2", "--edition", "2024"]).args(more);
    // The JSON is unstable, and its form is what is tested here.
    let output = command.arg(folder.join("src/lib.rs")).env("RUSTC_BOOTSTRAP", "1").output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The documents of a source: what each says, by its item.
async fn items(client: &sqlmig::db::Connection, source: &str) -> BTreeMap<String, String> {
    let query = "select metadata ->> 'item', string_agg(content, e'\n' order by doc_path) from public.documents \
                 where source_name = $1 and metadata ? 'item' and metadata ->> 'item' is not null group by 1";
    let rows = client.query(query, &[&source]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn what_rustdoc_writes_in_html_and_json_has_the_items_that_the_source_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("crate/src")).unwrap();
    fs::write(path("crate/src/lib.rs"), SOURCE).unwrap();
    fs::write(path("crate/Cargo.toml"), "[package]\nname = \"mill\"\nversion = \"0.4.2\"\n").unwrap();
    let out = |name: &str| path(name).to_string_lossy().into_owned();
    rustdoc(&path("crate"), &["--out-dir", &out("html")]);
    rustdoc(&path("crate"), &["-Z", "unstable-options", "--output-format", "json", "--out-dir", &out("json")]);

    let (db, service) = (TestDb::from(&MIGRATED, "rustdoc").await, service().await);
    let client = db.connect().await;
    // The whole folder that `cargo doc` leaves, with its scripts, fonts and pages of settings; the file of JSON; the crate.
    let line = format!(
        "run --source rust:html={} --source rust:json={} --source rust:mill={} --output json",
        out("html"),
        out("json"),
        out("crate")
    );
    let run = async || {
        let mut command = on(&db, &line).await;
        command.env("SQLMIG_EMBEDDING_URL", service.url());
        finish(command).await.code(0).json()
    };
    let report = run().await;
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(table["balanced"], true, "{table}");
    }
    for source in ["html", "json", "mill"] {
        let found = items(&client, source).await;
        for (item, says) in ITEMS {
            // Reading source knows no re-exports.
            if source == "mill" && item == "mill::Source" {
                continue;
            }
            let told = found.get(item).unwrap_or_else(|| panic!("{source} has no {item}: {:?}", found.keys()));
            for part in says.iter().filter(|part| source != "mill" || !NOT_IN_SOURCE.contains(part)) {
                let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(told.contains(part), "{source} has no {part:?} in {item}: {told}");
            }
        }
        if source != "mill" {
            let expected: BTreeSet<&str> = ITEMS.iter().map(|(item, _)| *item).collect();
            assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{source}");
        }
    }
    // Nothing of what rustdoc writes on every page, nor its pages about no item, nor those that send readers on.
    let noise = "select string_agg(doc_path || ': ' || left(content, 80), e'\n') from public.documents \
                 where source_name = 'html' and metadata ->> 'format' = 'html' and content \
                 ~* 'redirecting|settings|expand description|list of all items|auto trait|type_id|§|//!'";
    assert_eq!(text(&client, noise).await, "");
    let without_text = "select count(*) from sqlmig.finding where check_name = 'file_without_text'";
    assert!(number(&client, without_text).await > 3, "what has no text is told of");
    let formats = "select string_agg(distinct metadata ->> 'format', ' ' order by metadata ->> 'format') \
                   from public.documents where metadata ->> 'item' is not null";
    assert_eq!(text(&client, formats).await, "html rust rustdoc_json");
    assert_eq!(number(&client, "select count(*) from public.documents where embedding is null").await, 0);
    let version = "select version from public.document_sources where source_name = 'mill'";
    assert_eq!(text(&client, version).await, "0.4.2");
    // The same again: nothing is asked for, and nothing written.
    let (asked, written) = (service.state.requests(), versions(&client).await);
    run().await;
    assert_eq!((service.state.requests(), versions(&client).await), (asked, written));
    sqlmig(&db, "validate").await.code(0);
}
