//! Trees of documentation: read, read again, changed, hostile, killed.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use sqlmig::tokens::Tokenizer;
use tempfile::TempDir;

use crate::harness::TestDb;
use crate::program::{MIGRATED, Outcome, finish, number, on, sqlmig, state, text};
use crate::service::Service;

/// A tree that a test may change.
struct Tree(TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            tree.write(path, text.as_bytes());
        }
        tree
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The source as it is typed.
    fn source(&self, doc_type: &str) -> String {
        format!("--source {doc_type}:tree={}", self.path().display())
    }
}

/// A service of embeddings that has the model which the project names.
pub async fn service() -> Service {
    Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap()
}

/// Runs the binary on a database, with a service of embeddings.
async fn embedding(db: &TestDb, line: &str, service: &Service) -> Outcome {
    let mut command = on(db, line).await;
    command.env("SQLMIG_EMBEDDING_URL", service.url());
    finish(command).await
}

/// Which version of each row is there: another after an update, even one that changes nothing.
pub async fn versions(client: &sqlmig::db::Connection) -> String {
    text(client, include_str!("../sql/row_versions.sql")).await
}

/// The newest run.
async fn newest(client: &sqlmig::db::Connection) -> String {
    text(client, "select id from sqlmig.run order by id::text desc limit 1").await
}

fn trees(name: &str) -> String {
    format!("{}/fixtures/trees/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn trees_of_every_type_fill_a_blank_database_and_then_change_nothing() {
    let db = TestDb::new("trees").await;
    let types = [
        "birdeye",
        "cilium",
        "ebpf",
        "jupyter",
        "meteora",
        "raydium",
        "rust",
        "rust_best_practices",
        "solana",
        "talos",
    ];
    let sources: Vec<String> = types.iter().map(|name| format!("--source {name}={}", trees(name))).collect();
    let line = format!("run {} --source generic={} --output json", sources.join(" "), trees("handbook"));
    let service = service().await;
    let report = embedding(&db, &line, &service).await.code(0).json();
    let client = db.connect().await;
    assert_eq!(report["run"]["state"], "done");
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(table["balanced"], true, "{table}");
    }
    for doc_type in types {
        let of_type = format!("select count(*) from public.documents where doc_type = '{doc_type}'");
        assert!(number(&client, &of_type).await > 0, "{doc_type} has no document");
        let lacking = format!(
            "select count(*) from public.documents join public.doc_types as types using (doc_type), \
             unnest(required_metadata) as field where doc_type = '{doc_type}' and metadata ->> field is null"
        );
        assert_eq!(number(&client, &lacking).await, 0, "{doc_type}");
    }
    assert_eq!(
        text(
            &client,
            "select string_agg(doc_path, ' ' order by doc_path) from public.documents where doc_type = 'birdeye'"
        )
        .await,
        "openapi.json#BirdEye sample openapi.json#GET /defi/history openapi.json#GET /defi/price"
    );
    let item = "select metadata ->> 'item' from public.documents where doc_path = 'src/lib.rs#Wheel'";
    assert_eq!(text(&client, item).await, "water_mill::Wheel");
    let version = "select version from public.document_sources where source_name = 'water-mill'";
    assert_eq!(text(&client, version).await, "0.3.1");
    let pictures = "select string_agg(doc_path || ' ' || (metadata ->> 'images_left_out'), ', ' order by doc_path) \
                    from public.documents where metadata ? 'images_left_out'";
    assert_eq!(text(&client, pictures).await, "mill.ipynb 1");
    let is_told = |check: &&Value| check["name"] == "images_left_out" && check["on"] == "parts.jupyter";
    let told = report["checks"].as_array().unwrap().iter().find(is_told).unwrap();
    assert_eq!(told["rows_failed"], 1, "{told}");
    // Each has the vector of its own text, which was asked for once.
    let lacking = "select count(*) from public.documents where embedding is null \
                   or embedding_text_sha256 is distinct from content_sha256";
    assert_eq!(number(&client, lacking).await, 0);
    let texts = "select count(distinct content) from public.documents";
    let texts = usize::try_from(number(&client, texts).await).unwrap();
    assert_eq!((service.state.vectors(), service.state.repeated()), (texts, 0));
    let (asked, before, written) = (service.state.requests(), state(&client).await, versions(&client).await);
    let report = embedding(&db, &line, &service).await.code(0).json();
    assert_eq!(service.state.requests(), asked, "asked for what is known");
    assert_eq!((state(&client).await, versions(&client).await), (before.clone(), written), "a row was written");
    for table in report["tables"].as_array().unwrap() {
        assert_eq!((&table["rows_inserted"], &table["rows_updated"]), (&0.into(), &0.into()), "{table}");
        assert!(!table["source"].as_str().unwrap().starts_with("parts."), "decoded again: {table}");
    }
    for target in report["targets"].as_array().unwrap() {
        let changed = [&target["rows_inserted"], &target["rows_updated"], &target["rows_deleted"]];
        assert_eq!(changed, [&json!(0); 3], "{target}");
    }
    // A part that somebody deletes is noticed: its file is decoded again, and no other; its vector is paid for already.
    client.batch_execute("delete from public.documents where doc_path = 'src/lib.rs#Wheel'").await.unwrap();
    embedding(&db, &line, &service).await.code(0);
    assert_eq!(state(&client).await, before);
    assert_eq!(service.state.requests(), asked);
}

#[tokio::test]
async fn a_file_whose_documents_lack_an_embedding_is_read_again_for_who_has_a_service() {
    let db = TestDb::from(&MIGRATED, "trees_unembedded").await;
    let (client, service) = (db.connect().await, service().await);
    let tree = Tree::new(&[("a.md", "# A\n"), ("b.md", "# B\n"), ("c.md", "# C\n")]);
    let source = tree.source("generic");
    let line = format!("run {source} --no-index --output json");
    sqlmig(&db, &line).await.code(0);
    let one = "update public.documents set embedding = (select array_agg(1.0)::vector from generate_series(1, 3072)) where doc_path = 'b.md'";
    assert_eq!(client.execute(one, &[]).await.unwrap(), 1);
    let unchanged = async || number(&client, "select count(*) from sqlmig.known_file").await;
    // Without one it is as it was; what is staged of that run is gone with it, so `embed` has nothing to work on.
    sqlmig(&db, &format!("{line} --force")).await.code(0);
    assert_eq!(unchanged().await, 3);
    let missing = "select string_agg(doc_path, ' ' order by doc_path) from public.documents where embedding is null";
    assert_eq!(text(&client, missing).await, "a.md c.md");
    let plan = embedding(&db, &format!("plan {source} --output json"), &service).await.code(0).json();
    assert_eq!(plan["embeddings"][0]["texts"], 2, "{}", plan["embeddings"]);
    embedding(&db, &line, &service).await.code(0);
    assert_eq!((unchanged().await, text(&client, missing).await), (1, String::new()));
    assert_eq!((service.state.vectors(), service.state.repeated()), (2, 0));
    // And then there is nothing left to do.
    let written = versions(&client).await;
    embedding(&db, &format!("{line} --force"), &service).await.code(0);
    assert_eq!((service.state.vectors(), versions(&client).await), (2, written));
}

#[tokio::test]
async fn what_changed_is_updated_and_what_is_gone_is_told_of_and_pruned_and_brought_back() {
    let db = TestDb::from(&MIGRATED, "trees_change").await;
    let client = db.connect().await;
    let section = |name: &str| format!("# {name}\n\n{}\n\n", "many words of the miller ".repeat(1000));
    let tree = Tree::new(&[("a.md", "# A\n"), ("b.md", "# B\n"), ("long.md", &(section("One") + &section("Two")))]);
    let source = tree.source("generic");
    sqlmig(&db, &format!("run {source}")).await.code(0);
    assert_eq!(number(&client, "select count(*) from public.documents").await, 4);
    tree.write("a.md", b"# A, mended\n");
    tree.write("long.md", section("One").as_bytes());
    fs::remove_file(tree.path().join("b.md")).unwrap();
    let report = sqlmig(&db, &format!("run {source} --output json")).await.code(0).json();
    let vanished = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "file_vanished").unwrap();
    assert_eq!(vanished["rows_failed"], 1, "{vanished}");
    let paths = "select string_agg(doc_path, ' ' order by doc_path) from public.documents";
    // The part that the file no longer has is gone; the file that is gone has its documents.
    assert_eq!(text(&client, paths).await, "a.md b.md long.md");
    assert_eq!(text(&client, "select content from public.documents where doc_path = 'a.md'").await, "# A, mended\n");
    let before = state(&client).await;
    let report = sqlmig(&db, &format!("run {source} --prune --output json")).await.code(0).json();
    assert_eq!(text(&client, paths).await, "a.md long.md");
    let gone =
        report["targets"].as_array().unwrap().iter().find(|target| target["transform"] == "documents_gone").unwrap();
    assert_eq!((&gone["rows_deleted"], &gone["rows_updated"]), (&1.into(), &0.into()), "{gone}");
    let fate = sqlmig(&db, "why public.documents generic/tree/b.md").await.code(0).stdout;
    assert!(fate.contains("inserted in public.documents") && fate.contains("deleted in public.documents"), "{fate}");
    assert_eq!(number(&client, "select count(*) from public.document_files").await, 2);
    let totals = "select total_docs from public.document_sources";
    assert_eq!(number(&client, totals).await, 2);
    sqlmig(&db, &format!("rollback --yes --run {}", newest(&client).await)).await.code(0);
    assert_eq!(state(&client).await, before);
    assert_eq!(number(&client, "select count(*) from public.document_files").await, 3);
    // Whoever puts a row in the place of a deleted one keeps it.
    sqlmig(&db, &format!("run {source} --prune")).await.code(0);
    client
        .batch_execute(
            "insert into public.documents (doc_type, source_name, doc_path, content) \
             values ('generic', 'tree', 'b.md', 'mine')",
        )
        .await
        .unwrap();
    sqlmig(&db, &format!("rollback --yes --run {}", newest(&client).await)).await.code(0);
    assert_eq!(text(&client, "select content from public.documents where doc_path = 'b.md'").await, "mine");
}

#[tokio::test]
async fn parts_of_long_documents_fit_the_model_that_is_asked() {
    let db = TestDb::from(&MIGRATED, "trees_limit").await;
    let (client, service) = (db.connect().await, service().await);
    let words =
        |what: &str, count: usize| (0..count).map(|word| format!("{what}x{word}")).collect::<Vec<_>>().join(" ");
    let mut long = String::from("Before any heading.\n\n");
    for chapter in 1..=3 {
        let (short, line) = (words(&format!("stone{chapter}"), 40), words(&format!("mühle{chapter}"), 150));
        long.extend(["# Chapter ", &chapter.to_string(), "\n\n", &short, "\n\n", &line, "\n\n"]);
    }
    let tree = Tree::new(&[("long.md", &long), ("short.md", "# Short\n\nFits any model.\n")]);
    let line = format!("run {} --output json", tree.source("generic"));
    embedding(&db, &line, &service).await.code(0);
    let paths = "select string_agg(doc_path, ' ' order by doc_path) from public.documents";
    assert_eq!(text(&client, paths).await, "long.md short.md");
    let short = "select concat_ws(' ', ctid, xmin) from public.documents where doc_path = 'short.md'";
    let kept = text(&client, short).await;
    let without = "select count(*) from public.documents where embedding is null";
    for (name, limit) in [("cl100k_base", 300), ("p50k_base", 120)] {
        let options = format!("--embedding-input-tokens {limit} --embedding-tokenizer {name}");
        embedding(&db, &format!("{line} {options}"), &service).await.code(0);
        let parts = "select content, token_count from public.documents where metadata ->> 'file' = 'long.md' \
                     order by (metadata ->> 'part')::integer";
        let rows = client.query(parts, &[]).await.unwrap();
        let parts: Vec<(&str, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(parts.len() > 3, "{} parts", parts.len());
        for (part, told) in &parts {
            let tokens = Tokenizer::named(name).unwrap().count(part);
            assert!(tokens <= limit, "{tokens} tokens of {name}: {part}");
            assert_eq!(usize::try_from(*told).unwrap(), tokens, "{part}");
        }
        assert_eq!(parts.iter().map(|(part, _)| *part).collect::<String>(), long);
        assert_eq!((number(&client, without).await, service.state.repeated()), (0, 0), "{name}");
        if limit == 300 {
            assert_eq!(text(&client, short).await, kept, "a document that fits as before was written");
        }
    }
    // With the first limit again the parts are gone, and nothing is asked for: the whole text was paid for.
    let asked = service.state.requests();
    embedding(&db, &line, &service).await.code(0);
    assert_eq!(text(&client, paths).await, "long.md short.md");
    assert_eq!(text(&client, "select content from public.documents where doc_path = 'long.md'").await, long);
    assert_eq!((number(&client, without).await, service.state.requests()), (0, asked));
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_books_balance() {
    let db = TestDb::from(&MIGRATED, "trees_hostile").await;
    let client = db.connect().await;
    let tree = Tree::new(&[
        ("good.md", "# Good\n"),
        ("deep.json", &"[".repeat(60_000)),
        ("broken.ipynb", "{\"nbformat\": 4, \"cells\": ["),
        ("tabs\tand\\\nlines.md", "a\tb\\c\r\nd\n\\.\n"),
        ("big.txt", &"x".repeat(70_000)),
        ("null.md", "a\0b"),
        ("settings.toml", "a = 1\n"),
        (".hidden.md", "hidden"),
        ("skipped/x.md", "ignored"),
        (".gitignore", "skipped/\n"),
    ]);
    tree.write("latin.md", b"caf\xe9");
    tree.write("paper.pdf", b"%PDF-1.7");
    tree.write("secret.pdf", include_bytes!("../../fixtures/pdf/encrypted.pdf"));
    tree.write("bomb.pdf", &bomb());
    tree.write("logo.png", b"\x89PNG");
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, tree.path().join(at)).unwrap();
    link("good.md", "same.md");
    link(".", "loop");
    // Rings: of links to one another, and of folders that each hold a link to the other.
    link("there", "back");
    link("back", "there");
    tree.write("ring/a/in.md", b"# In a ring\n");
    tree.write("ring/b/in.md", b"# On its other side\n");
    link("../b", "ring/a/b");
    link("../a", "ring/b/a");
    link("/etc/hostname", "outside");
    link("nowhere", "dangling");
    tree.write(
        "bundle.zip",
        &zip(&[("in.md", b"# In\n"), ("../evil.md", b"x"), ("/abs.md", b"x"), ("big.md", &vec![b'y'; 70_000])]),
    );
    tree.write("bundle.tar.gz", &tar_gz(&[("pkg/in.md", b"# In\n"), ("pkg/in.md", b"# Twice\n")]));
    tree.write("cut.tar.gz", &tar_gz(&[("pkg/in.md", &vec![b'z'; 50_000])])[..60]);
    tree.write("single.txt.gz", &gzip(b"one file\n"));
    let command = format!("run {} --file-limit 65536 --output json", tree.source("generic"));
    let report = sqlmig(&db, &command).await.code(0).json();
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(table["balanced"], true, "{table}");
    }
    let refused =
        "select string_agg(reason, e'\\n' order by reason) from sqlmig.quarantine where source = 'public.files'";
    let refused = text(&client, refused).await;
    for (name, reason) in [
        ("deep.json", "recursion"),
        ("broken.ipynb", "EOF"),
        ("big.txt", "larger than 64"),
        ("null.md", "NUL"),
        ("latin.md", "not UTF-8"),
        ("paper.pdf", "damaged or cut off"),
        ("secret.pdf", "wants a password"),
        ("bomb.pdf", "more than 1024 MiB"),
        ("logo.png", "image"),
        ("same.md", "which is read under that name"),
        ("loop", "in a loop"),
        ("outside", "out of the tree"),
        ("dangling", "to nothing"),
        ("back: ", "leads nowhere"),
        ("there: ", "leads nowhere"),
        ("ring/a/b: ", "to \"ring/b\", which is read under that name"),
        ("ring/b/a: ", "to \"ring/a\", which is read under that name"),
        ("bundle.zip/../evil.md", "leads out"),
        ("bundle.zip//abs.md", "absolute"),
        ("bundle.zip/big.md", "larger than"),
        ("bundle.tar.gz/pkg/in.md", "another file of this name"),
        ("cut.tar.gz", "damaged or cut off"),
    ] {
        let told = refused.lines().any(|line| line.contains(name) && line.contains(reason));
        assert!(told, "{name} and {reason} are not in\n{refused}");
    }
    let paths = "select string_agg(doc_path, '|' order by doc_path) from public.documents";
    assert_eq!(
        text(&client, paths).await,
        "bundle.tar.gz/pkg/in.md|bundle.zip/in.md|good.md|ring/a/in.md|ring/b/in.md|single.txt.gz|tabs\tand\\\nlines.md"
    );
    let odd = "select content from public.documents where doc_path like 'tabs%'";
    assert_eq!(text(&client, odd).await, "a\tb\\c\r\nd\n\\.\n");
    let left_out = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "files_left_out").unwrap();
    assert_eq!(left_out["rows_failed"], 1, "{left_out}");
}

/// A PDF of some 20 KB whose page unpacks to 16 GiB: empty blocks of deflate's with the longest of matches.
fn bomb() -> Vec<u8> {
    let pack = |bytes: &[u8]| {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed
    };
    // The packed form of equal bytes is itself mostly equal bytes: a chunk that ends on a byte, again and again.
    let mut chunk = flate2::Compress::new(flate2::Compression::best(), false);
    let mut flushed = Vec::with_capacity(1 << 16);
    chunk.compress_vec(&vec![b' '; 8 << 20], &mut flushed, flate2::FlushCompress::Full).unwrap();
    let mut inner = vec![0x78, 0xda];
    for _ in 0..2048 {
        inner.extend_from_slice(&flushed);
    }
    let page = pack(&inner).finish().unwrap();
    let mut pdf = b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n\
        2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n\
        3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >> endobj\n"
        .to_vec();
    let length = page.len();
    writeln!(pdf, "4 0 obj << /Length {length} /Filter [/FlateDecode /FlateDecode] >> stream").unwrap();
    pdf.extend_from_slice(&page);
    pdf.extend_from_slice(b"\nendstream endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n");
    assert!(pdf.len() < 65_536, "{}", pdf.len());
    pdf
}

#[tokio::test]
async fn pages_of_a_pdf_are_documents_under_the_headings_of_its_outline() {
    let db = TestDb::from(&MIGRATED, "trees_pdf").await;
    let client = db.connect().await;
    let tree = Tree::new(&[]);
    tree.write("mill.pdf", include_bytes!("../../fixtures/pdf/mill.pdf"));
    tree.write("printed.pdf.gz", &gzip(include_bytes!("../../fixtures/pdf/printed.pdf")));
    let report = sqlmig(&db, &format!("run {} --output json", tree.source("generic"))).await.code(0).json();
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(table["balanced"], true, "{table}");
    }
    let documents = "select string_agg(concat_ws(' ', doc_path, metadata ->> 'title', metadata ->> 'headings'), e'\\n' order by doc_path) \
                     from public.documents";
    // A page stands under the heading that its first line does: on the printed one that is the running head.
    assert_eq!(
        text(&client, documents).await,
        "mill.pdf#page=1 The miller's manual [\"Water mills\"]\n\
         mill.pdf#page=2 The miller's manual [\"Water mills\"]\n\
         printed.pdf.gz#page=1 The miller's manual\n\
         printed.pdf.gz#page=2 The miller's manual [\"Water mills\"]"
    );
    let again = sqlmig(&db, &format!("run {} --force --output json", tree.source("generic"))).await.code(0).json();
    assert_eq!(
        again["tables"].as_array().unwrap().iter().map(|table| table["rows_updated"].as_u64().unwrap()).sum::<u64>(),
        0
    );
}

#[tokio::test]
async fn an_archive_is_as_good_as_its_folder() {
    let (folder, archive) =
        (TestDb::from(&MIGRATED, "trees_folder").await, TestDb::from(&MIGRATED, "trees_crate").await);
    let crate_folder = trees("rust");
    let files: Vec<(String, Vec<u8>)> = ["Cargo.toml", "README.md", "src/lib.rs"]
        .iter()
        .map(|name| (format!("water-mill-0.3.1/{name}"), fs::read(format!("{crate_folder}/{name}")).unwrap()))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let tree = Tree::new(&[]);
    tree.write("water-mill-0.3.1.crate", &tar_gz(&files));
    sqlmig(&folder, &format!("run --source rust={crate_folder}")).await.code(0);
    sqlmig(&archive, &format!("run --source rust={}/*", tree.path().display())).await.code(0);
    let (one, other) = (state(&folder.connect().await).await, state(&archive.connect().await).await);
    assert_eq!(one, other);
}

#[tokio::test]
async fn an_archive_leaves_out_what_its_folder_does_and_counts_it() {
    let db = TestDb::from(&MIGRATED, "trees_left_out").await;
    let client = db.connect().await;
    // Rules come last in the archives.
    let files = [
        ("a.md", "# A\n"),
        (".hidden.md", "# Hidden\n"),
        (".github/x.md", "# Workflow\n"),
        (".git/config", "git's own"),
        ("skipped/x.md", "# Skipped\n"),
        ("x.tmp.md", "# Temporary\n"),
        ("keep.tmp.md", "# Kept\n"),
        ("sub/draft.md", "# Draft\n"),
        ("sub/.shown.md", "# Shown\n"),
        ("sub/ok.md", "# Ok\n"),
        ("sub/skipped/y.md", "# Skipped, too\n"),
        ("sub/.ignore", "draft.md\n!.shown.md\n"),
        (".gitignore", "skipped/\n*.tmp.md\n!keep.tmp.md\n"),
    ];
    let folder = Tree::new(&files);
    let (archives, inside) = (Tree::new(&[]), Tree::new(&[]));
    let named: Vec<(String, &[u8])> =
        files.iter().map(|(name, text)| (format!("pkg/{name}"), text.as_bytes())).collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    archives.write("a.zip", &zip(&named));
    archives.write("a.tar.gz", &tar_gz(&named));
    inside.write("b.zip", &zip(&named));
    inside.write(".left.md", b"# Left out beside the archive\n");
    let sources = [
        ("folder", folder.path().to_owned()),
        ("inside", inside.path().to_owned()),
        ("tar", archives.path().join("a.tar.gz")),
        ("zip", archives.path().join("a.zip")),
    ]
    .map(|(name, path)| format!("--source generic:{name}={}", path.display()));
    let report = sqlmig(&db, &format!("run {} --output json", sources.join(" "))).await.code(0).json();
    let paths = "select string_agg(source_name || ' ' || doc_paths, e'\\n' order by source_name) from (\
                 select source_name, string_agg(doc_path, ' ' order by doc_path collate \"C\") as doc_paths \
                 from public.documents group by source_name) as paths";
    assert_eq!(
        text(&client, paths).await,
        "folder a.md keep.tmp.md sub/.shown.md sub/ok.md\n\
         inside b.zip/pkg/a.md b.zip/pkg/keep.tmp.md b.zip/pkg/sub/.shown.md b.zip/pkg/sub/ok.md\n\
         tar a.md keep.tmp.md sub/.shown.md sub/ok.md\n\
         zip a.md keep.tmp.md sub/.shown.md sub/ok.md"
    );
    let counts = "select string_agg(concat_ws(' ', source_name, files, files_left_out), ', ' order by source_name) \
                  from staging.\"file_sources\"";
    assert_eq!(text(&client, counts).await, "folder 4 8, inside 4 9, tar 4 8, zip 4 8");
    let left_out = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "files_left_out").unwrap();
    assert_eq!(left_out["rows_failed"], 4, "{left_out}");
}

#[tokio::test]
async fn links_ways_out_and_too_many_rules_in_archives_are_refused() {
    let db = TestDb::from(&MIGRATED, "trees_archives").await;
    let client = db.connect().await;
    let tree = Tree::new(&[]);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    writer.start_file("a.md", options).unwrap();
    writer.write_all(b"# A\n").unwrap();
    writer.add_symlink("link.md", "/etc/hostname", options).unwrap();
    tree.write("links.zip", &writer.finish().unwrap().into_inner());
    // A tar whose names and links lead out of it, as no writer of archives would make one.
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, bytes) in [
        ("b.md", tar::EntryType::Regular, &b"# B\n"[..]),
        ("../evil.md", tar::EntryType::Regular, b"# Evil\n"),
        ("soft.md", tar::EntryType::Symlink, b""),
        ("hard.md", tar::EntryType::Link, b""),
        ("device.md", tar::EntryType::Char, b""),
    ] {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.set_link_name("../../etc/hostname").unwrap();
        }
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    }
    tree.write("links.tar", &builder.into_inner().unwrap());
    let rules = "some/folder/that/is/ignored/*.md\n".repeat((1 << 20) / 33 + 1);
    tree.write("rules.tar.gz", &tar_gz(&[("c.md", b"# C\n"), (".gitignore", rules.as_bytes())]));
    let report = sqlmig(&db, &format!("run {} --output json", tree.source("generic"))).await.code(0).json();
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(table["balanced"], true, "{table}");
    }
    let refused =
        "select string_agg(reason, e'\\n' order by reason) from sqlmig.quarantine where source = 'public.files'";
    let refused = text(&client, refused).await;
    let expected = [
        ("links.tar/../evil.md", "leads out"),
        ("links.tar/device.md", "pipe or device"),
        ("links.tar/hard.md", "a link inside"),
        ("links.tar/soft.md", "a link inside"),
        ("links.zip/link.md", "a symbolic link inside"),
        ("rules.tar.gz", "larger than 1MiB"),
    ];
    for (name, reason) in expected {
        let told = refused.lines().any(|line| line.contains(name) && line.contains(reason));
        assert!(told, "{name} and {reason} are not in\n{refused}");
    }
    assert_eq!(refused.lines().count(), expected.len(), "{refused}");
    let paths = "select string_agg(doc_path, ' ' order by doc_path) from public.documents";
    assert_eq!(text(&client, paths).await, "links.tar/b.md links.zip/a.md");
}

#[tokio::test]
async fn a_marker_says_what_a_tree_is_and_an_unknown_type_is_refused() {
    let db = TestDb::from(&MIGRATED, "trees_marker").await;
    let client = db.connect().await;
    let marker = "type = \"ebpf\"\nname = \"maps\"\nversion = \"6.1\"\n";
    let tree =
        Tree::new(&[("maps/sqlmig-source.toml", marker), ("maps/hash.md", "# Hash\n"), ("notes.md", "# Notes\n")]);
    sqlmig(&db, &format!("run docs-tree:{}", tree.path().display())).await.code(0);
    let sources = "select string_agg(concat_ws('/', doc_type, source_name, version), ' ' order by doc_type) from public.document_sources";
    let name = tree.path().file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(text(&client, sources).await, format!("ebpf/maps/6.1 generic/{name}"));
    let line = format!("run --source cooking={}", tree.path().display());
    sqlmig(&db, &line).await.code(2).says(&["cooking", "talos", "transforms/normalise/cooking.sql"]);
    let line = format!("run --source ebpf:x={0} --source ebpf:x={0}", tree.path().display());
    sqlmig(&db, &line).await.code(4).says(&["both the source ebpf/x", "hint"]);
    sqlmig(&db, "run docs-tree:/no/such/tree").await.code(4).says(&["/no/such/tree"]);
}

#[tokio::test]
async fn killed_at_any_moment_a_load_of_trees_ends_as_one_that_was_not() {
    let (calm, killed) = (TestDb::from(&MIGRATED, "trees_calm").await, TestDb::from(&MIGRATED, "trees_killed").await);
    let tree = Tree::new(&[]);
    for number in 0..60 {
        let text = format!("# Page {number}\n\n{}\n", "words of the page ".repeat(400));
        tree.write(&format!("{}/{number}.md", number % 7), text.as_bytes());
    }
    let line = format!("run {} --batch-size 7", tree.source("generic"));
    sqlmig(&calm, &line).await.code(0);
    for wait in [150_u64, 350, 600, 900, 1200, 1500] {
        let mut child = on(&killed, &line).await.spawn().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        let _ = child.kill();
        let _ = child.wait();
    }
    sqlmig(&killed, &line).await.code(0);
    assert_eq!(state(&killed.connect().await).await, state(&calm.connect().await).await);
    let unbalanced = "select count(*) from sqlmig.run where state = 'done'";
    assert!(number(&killed.connect().await, unbalanced).await >= 1);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
