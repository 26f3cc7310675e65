//! Real documentation, as far as this machine has it, into a blank embedded database by one command. Crates of cargo's
//! registry, this repository's own pages, sources and manifests are always there; what other programs have installed
//! comes on top.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use sqlmig::db::environment::Environment;
use sqlmig::db::{Embedded, EmbeddedOptions};

use crate::harness::embedded_options;
use crate::program::{Outcome, bare, finish, number, text};
use crate::service::Service;
use crate::trees::{service, versions};

/// A tree, and how many documents it has at least.
struct Tree {
    doc_type: &'static str,
    name: &'static str,
    path: PathBuf,
    least: i64,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Below the home folder, or where a variable says.
fn home_of(variable: &str, folder: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(folder)))
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// A crate that this project is built with, as cargo keeps it: unpacked, or as it came. Its version besides.
fn krate(name: &str) -> (PathBuf, String) {
    let lock: toml::Table = fs::read_to_string(repository().join("Cargo.lock")).unwrap().parse().unwrap();
    let registry = home_of("CARGO_HOME", ".cargo").expect("cargo has a home").join("registry");
    let packages = lock["package"].as_array().unwrap().iter().filter(|package| package["name"].as_str() == Some(name));
    for version in packages.map(|package| package["version"].as_str().unwrap()) {
        for (kept, ending) in [("src", ""), ("cache", ".crate")] {
            let places = inside(&registry.join(kept));
            let found = places.into_iter().map(|index| index.join(format!("{name}-{version}{ending}")));
            if let Some(path) = found.into_iter().find(|path| path.exists()) {
                return (path, version.to_owned());
            }
        }
    }
    panic!("{} has no {name} of Cargo.lock: cargo fetch", registry.display());
}

/// Trees that are there wherever this test was built.
fn always() -> Vec<Tree> {
    let own = |path: &str| repository().join(path);
    let tree = |doc_type, name, path, least| Tree { doc_type, name, path, least };
    vec![
        tree("rust", "secrecy", krate("secrecy").0, 4),
        tree("rust", "hostname", krate("hostname").0, 3),
        tree("rust", "half", krate("half").0, 10),
        tree("rust", "sqlmig-formats", own("src/formats"), 10),
        tree("generic", "docs", own("docs"), 60),
        tree("generic", "readme", own("README.md"), 1),
        tree("cilium", "kubernetes", own("k8s"), 1),
    ]
}

/// What else is installed: Debian's packages, npm's pages in Markdown, Rust's in HTML.
fn installed() -> Vec<Tree> {
    let tree = |doc_type, name, path| Tree { doc_type, name, path, least: 1 };
    let mut trees: Vec<Tree> = ["bash", "coreutils", "openssl", "perl", "tar"]
        .map(|name| tree("generic", name, Path::new("/usr/share/doc").join(name)))
        .into();
    trees.push(tree("generic", "npm", PathBuf::from("/usr/lib/node_modules/npm/docs/content/using-npm")));
    let toolchains = home_of("RUSTUP_HOME", ".rustup").map(|home| inside(&home.join("toolchains"))).unwrap_or_default();
    let html = toolchains.into_iter().map(|path| path.join("share/doc/rust/html")).find(|path| path.is_dir());
    for (doc_type, name) in [("rust_best_practices", "style-guide"), ("rust", "proc_macro")] {
        trees.extend(html.iter().map(|html| tree(doc_type, name, html.join(name))));
    }
    // A folder of links to elsewhere has no documents.
    trees.retain(|tree| inside(&tree.path).iter().any(|path| path.symlink_metadata().is_ok_and(|is| is.is_file())));
    trees
}

/// Runs the binary as a user does who names no database, with a service of embeddings.
async fn run(trees: &[Tree], folder: &Path, service: &Service) -> Outcome {
    let mut command = bare("run --output json");
    for tree in trees {
        command.arg("--source").arg(format!("{}:{}={}", tree.doc_type, tree.name, tree.path.display()));
    }
    command.env("SQLMIG_EMBEDDED_DIR", folder).env("SQLMIG_EMBEDDING_URL", service.url());
    // The server's programs are those of the other tests.
    let cache = EmbeddedOptions::default_cache(&Environment::of_process());
    command.env("XDG_CACHE_HOME", cache.parent().unwrap());
    for variable in ["SQLMIG_POSTGRES_BIN", "PATH"] {
        command.envs(std::env::var_os(variable).map(|value| (variable, value)));
    }
    finish(command).await
}

#[tokio::test]
async fn real_trees_fill_a_blank_embedded_database_by_one_command() {
    let folder = tempfile::Builder::new().prefix("sqlmig-trees").tempdir_in("/tmp").unwrap();
    // The server's user must get to it.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("server");
    let service = service().await;
    let trees: Vec<Tree> = always().into_iter().chain(installed()).collect();
    let outcome = run(&trees, &data, &service).await.code(0).says(&["created and started PostgreSQL"]);
    let report = outcome.json();
    assert_eq!(report["run"]["state"], "done");
    for table in report["tables"].as_array().unwrap() {
        assert_eq!(table["balanced"], true, "{table}");
    }

    let server = Embedded::start(EmbeddedOptions { version: None, ..embedded_options(&data) }).await.unwrap();
    let client = server.target().connect().await.unwrap();
    for Tree { doc_type, name, least, path } in &trees {
        let of_tree =
            format!("select count(*) from public.documents where doc_type = '{doc_type}' and source_name = '{name}'");
        let documents = number(&client, &of_tree).await;
        eprintln!("{doc_type}/{name}: {documents} documents");
        assert!(documents >= *least, "{doc_type}/{name} of {}: {documents} documents", path.display());
    }
    let version = "select version from public.document_sources where source_name = 'secrecy'";
    assert_eq!(text(&client, version).await, krate("secrecy").1);
    let item = "select count(*) from public.documents where source_name = 'half' and metadata ->> 'item' = 'half'";
    assert!(number(&client, item).await > 0, "half has no page of the crate itself");
    // Whatever is a document has an embedding of its own text; what is none is in quarantine, and says why.
    let lacking = "select count(*) from public.documents where embedding is null \
                   or embedding_text_sha256 is distinct from content_sha256";
    assert_eq!(number(&client, lacking).await, 0);
    let lost = "select count(*) from staging.files as files where files.parts::integer > (select count(*) \
                from public.documents as documents where documents.doc_type = files.doc_type \
                and documents.source_name = files.source_name and documents.metadata ->> 'file' = files.path) \
                + (select count(*) from sqlmig.quarantine where source = 'parts.' || files.doc_type)";
    assert_eq!(number(&client, lost).await, 0);
    let unexplained = "select count(*) from sqlmig.quarantine where coalesce(reason, '') !~ '[^[:space:]]'";
    assert_eq!(number(&client, unexplained).await, 0);
    let texts = number(&client, "select count(distinct content) from public.documents").await;
    assert_eq!((service.state.vectors(), service.state.repeated()), (usize::try_from(texts).unwrap(), 0));

    let (asked, written) = (service.state.requests(), versions(&client).await);
    let report = run(&trees, &data, &service).await.code(0).says(&["joined the running PostgreSQL"]).json();
    assert_eq!(service.state.requests(), asked, "asked for what is known");
    assert_eq!(versions(&client).await, written, "a row was written");
    for table in report["tables"].as_array().unwrap() {
        assert_eq!((&table["rows_inserted"], &table["rows_updated"]), (&json!(0), &json!(0)), "{table}");
        assert_eq!(table["balanced"], true, "{table}");
    }
    for target in report["targets"].as_array().unwrap() {
        let changed = [&target["rows_inserted"], &target["rows_updated"], &target["rows_deleted"]];
        assert_eq!(changed, [&json!(0); 3], "{target}");
    }
    client.close().await;
    assert!(server.stop().await.unwrap(), "somebody still uses the server");
}
