//! The report's page in a real browser: by day and by night, on a telephone and on paper. A script that is put into a copy of it
//! measures what a reader would stumble over; pictures of each view are left in `target/tmp/report-pages/`, for whoever looks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::TestDb;
use crate::program::{MIGRATED, finish, fixture, on};
use crate::service::Service;

/// Pixels across a desk's window, and a telephone's.
const WIDTHS: [(&str, u32); 2] = [("wide", 1100), ("narrow", 390)];
/// What Chromium calls them.
const SCHEMES: [(&str, u8); 2] = [("light", 1), ("dark", 0)];

/// Whether a program is there; where it must be, it is an error that it is not.
fn is_there(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("-v").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "install {program} (Debian's package {package})");
    if !there {
        eprintln!("passed over: there is no {program} (Debian's package {package})");
    }
    there
}

/// A folder of pages to look at, and a browser for them.
struct Browser {
    folder: PathBuf,
}

impl Browser {
    fn run(&self, scheme: u8, arguments: &[&str], page: &Path) -> String {
        let profile = self.folder.join("profile");
        let mut command = Command::new("chromium");
        // Without a sandbox of its own: tests may run as root, and the page is the tests' own.
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
        let output = command.args(arguments).arg(format!("file://{}", page.display())).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the measuring script says of a page in a window of this width.
    fn measure(&self, scheme: u8, width: u32, page: &str) -> Value {
        // The page lets no script run, which is as it should be: its copy does.
        let policy =
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">";
        assert!(page.contains(policy));
        let script = format!("<script>{}</script>", include_str!("browser/measure.js"));
        let (inner, outer) = (self.folder.join("inner.html"), self.folder.join("outer.html"));
        fs::write(&inner, page.replace(policy, &script)).unwrap();
        // A window of Chromium's is never narrower than 500 pixels; a frame is.
        let frame = format!(
            "<!DOCTYPE html><script>addEventListener('message', (told) => {{ document.body.textContent = told.data; }});</script>\
             <iframe src=\"inner.html\" style=\"width:{width}px;height:3000px;border:0\"></iframe>"
        );
        fs::write(&outer, frame).unwrap();
        let text = self.run(scheme, &["--window-size=1200,3100", "--virtual-time-budget=10000", "--dump-dom"], &outer);
        let body = text.split_once("<body>").and_then(|(_, rest)| rest.split_once("</body>")).map(|(body, _)| body);
        let told =
            body.unwrap_or_else(|| panic!("{text}")).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
    }

    /// A picture of a page.
    fn shoot(&self, scheme: u8, width: u32, page: &Path, picture: &Path) {
        let frame = self.folder.join("frame.html");
        let text = format!(
            "<body style=\"margin:0\"><iframe src=\"{}\" style=\"width:{width}px;height:7000px;border:0\"></iframe>",
            page.display()
        );
        fs::write(&frame, text).unwrap();
        let window = format!("--window-size={},7000", width.max(500));
        self.run(scheme, &[&window, &format!("--screenshot={}", picture.display())], &frame);
        let bytes = fs::read(picture).unwrap();
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 50_000, "{}", picture.display());
    }

    /// The pages of its print, as text.
    fn print(&self, page: &Path, paper: &Path) -> Vec<String> {
        // In the dark, too: paper is white.
        self.run(0, &["--no-pdf-header-footer", &format!("--print-to-pdf={}", paper.display())], page);
        let output = Command::new("pdftotext").arg("-layout").arg(paper).arg("-").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split('\u{c}').filter(|page| !page.trim().is_empty()).map(str::to_owned).collect()
    }
}

/// The pages of a run that went well, with all that a report may show, and of one that failed.
async fn reports(folder: &Path) -> [PathBuf; 2] {
    let service = Service::start("127.0.0.1:0", "text-embedding-3-large", 3072).await.unwrap();
    let plan = folder.join("plan.json").display().to_string();
    let db = TestDb::from(&MIGRATED, "browser").await;
    let run = async |line: String, code: i32| {
        let mut command = on(&db, &line).await;
        command.env("SQLMIG_EMBEDDING_URL", service.url()).env("SQLMIG_EMBEDDING_MODEL", "text-embedding-3-large");
        command.env("SQLMIG_BATCH_SIZE", "10").env("SQLMIG_EMBEDDING_PRICE", "0.13").env("SQLMIG_NO_INDEX", "true");
        finish(command).await.code(code);
    };
    let pages = ["failed", "done"].map(|name| folder.join(format!("{name}.html")));
    let source = fixture("docs.sql.gz");
    run(format!("run {source} --max-rejects 10 --report {}", pages[0].display()), 3).await;
    run(format!("plan {source} --save {plan}"), 0).await;
    run(format!("run {source} --restart --plan {plan} --report {}", pages[1].display()), 0).await;
    pages
}

#[tokio::test]
async fn the_report_is_readable_by_day_by_night_on_a_telephone_and_on_paper() {
    if !is_there("chromium", "chromium") || !is_there("pdftotext", "poppler-utils") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let browser = Browser { folder: scratch.path().to_owned() };
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-pages");
    fs::create_dir_all(&kept).unwrap();
    let pages = reports(scratch.path()).await;
    let mut wrong = Vec::new();
    for path in &pages {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let page = fs::read_to_string(path).unwrap();
        for ((width_name, width), (scheme_name, scheme)) in
            WIDTHS.into_iter().flat_map(|width| SCHEMES.map(|scheme| (width, scheme)))
        {
            let view = format!("{name}-{width_name}-{scheme_name}");
            let told = browser.measure(scheme, width, &page);
            assert!(told["texts"].as_i64().unwrap() > 100, "{view}: {told}");
            let is_dark = told["page"].as_f64().unwrap() < 0.02;
            assert_eq!(is_dark, scheme_name == "dark", "{view}: {told}");
            let found = told["wrong"].as_array().unwrap().iter();
            wrong.extend(found.map(|what| format!("{view}: {}", what.as_str().unwrap())));
            browser.shoot(scheme, width, path, &kept.join(format!("{view}.png")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A page that cannot be read is found to be so.
    let page = fs::read_to_string(&pages[1]).unwrap();
    let bad = page.replace("--soft: #5b6475", "--soft: #b0b5bd").replace(".wide { overflow-x: auto; }", "");
    let told = browser.measure(1, 390, &bad)["wrong"].to_string();
    assert!(told.contains("contrast of ") && told.contains(" pixels wide in a window of 390"), "{told}");

    let printed = browser.print(&pages[1], &kept.join("done.pdf"));
    let text = printed.concat();
    // What is folded away on a screen cannot be unfolded on paper; what is for clicking is left out.
    for part in [
        "In the source, not executed",
        "CREATE FUNCTION",
        "documents_counted",
        "shared_buffers",
        "content_empty",
        "The plan that it followed",
    ] {
        assert!(text.contains(part), "{part} is not printed:\n{text}");
    }
    assert!(!text.lines().any(|line| line.contains("Checks") && line.contains("Environment")), "the links are printed");
    let headings = ["Where the rows went", "Checks", "What was written", "Time", "Embeddings", "Environment", "Events"];
    for page in &printed {
        let last = page.lines().rfind(|line| !line.trim().is_empty()).unwrap().trim();
        assert!(!headings.contains(&last), "a heading stands alone at the end of a page:\n{page}");
    }
}
