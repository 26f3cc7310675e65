//! The six forms: the same figures in each, what is hostile stays text, and what each looks like.

use pulldown_cmark::{Event, Options, Parser, Tag};
use scraper::{Html, Selector};
use serde_json::Value;

use super::{Form, render_form};
use crate::outcome::{Report, TableBooks};
use crate::report::{Format, View, sample};

fn shown(report: &Report, form: Form) -> String {
    let view = View { format: Format::Table, width: 120, color: false, verbose: false };
    let mut out = Vec::new();
    render_form(report, form, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A report whose every text from outside is this one.
fn hostile(text: &str) -> Report {
    let mut report = sample::report();
    report.run.source = format!("/data/{text}");
    report.run.project = text.into();
    report.run.error = Some(text.into());
    report.tables[0].source = text.into();
    report.checks[1].name = text.into();
    report.checks[4].skipped = Some(text.into());
    report.quarantine[0].source = text.into();
    report.quarantine[0].code = text.into();
    report.samples[0].check = text.into();
    report.samples[0].reason = text.into();
    report.samples[0].row = None;
    report.samples[0].subject = Some(text.into());
    report.targets[0].target = text.into();
    report.phases[0].summary = text.into();
    report.warnings[0] = text.into();
    report.events[0].message = text.into();
    report.events[0].who = text.into();
    report.other_statements[0].kind = text.into();
    report.environment.host = text.into();
    report.environment.settings[0].value = text.into();
    report.digests[0].source = text.into();
    report
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>&lt;b&gt;",
    "a|b`c`*d*[e](javascript:alert(1))\n| new | row |\n</details>",
    "]]>\u{1b}[2J\u{0}\u{202e}txt.exe",
    "שלום عالم @everyone #1",
    "{{ 7 * 7 }}{% raw %}",
];

fn figures(table: &TableBooks) -> [i64; 6] {
    [
        table.rows_read,
        table.rows_inserted,
        table.rows_updated,
        table.rows_unchanged,
        table.rows_merged,
        table.rows_quarantined,
    ]
}

fn numbers<'a>(cells: impl IntoIterator<Item = &'a str>) -> Vec<i64> {
    cells.into_iter().filter_map(|cell| cell.trim().replace(',', "").parse().ok()).collect()
}

fn select<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    let selector = Selector::parse(selector).unwrap();
    page.select(&selector).collect()
}

#[test]
fn all_six_tell_the_same_figures() {
    let report = sample::report();
    let whole = serde_json::to_value(&report).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&shown(&report, Form::Json)).unwrap(), whole);
    let yaml: Value = serde_saphyr::from_str(&shown(&report, Form::Yaml)).unwrap();
    assert_eq!(yaml, whole);
    let html = Html::parse_document(&shown(&report, Form::Html));
    let (terminal, markdown, junit) =
        (shown(&report, Form::Table), shown(&report, Form::Markdown), shown(&report, Form::Junit));
    let junit = roxmltree::Document::parse(&junit).unwrap();
    for table in report.tables.iter().filter(|table| table.used) {
        let (name, figures) = (table.source.trim_start_matches("public."), figures(table));
        let line = terminal.lines().find(|line| line.contains(&format!("│ {name} "))).unwrap();
        assert_eq!(numbers(line.split_whitespace())[..6], figures, "table");
        let line = markdown.lines().find(|line| line.starts_with(&format!("| {name} "))).unwrap();
        assert_eq!(numbers(line.split('|'))[..6], figures, "markdown");
        let rows = select(&html, "#books-table tbody tr");
        let row = rows.iter().find(|row| row.text().next() == Some(name)).unwrap();
        assert_eq!(numbers(row.text())[..6], figures, "html");
        let case = |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some(&table.source);
        let said = junit.descendants().find(case).unwrap().children().find(|node| node.has_tag_name("system-out"));
        let said = said.unwrap().text().unwrap();
        assert_eq!(numbers(said.split(['=', ' '])), figures, "junit");
    }
    // And the rows that each check found.
    for check in report.checks.iter().filter(|check| check.rows_failed > 0) {
        let rows = check.rows_failed.to_string();
        assert!(terminal.lines().any(|line| line.contains(&check.name) && line.contains(&rows)));
        assert!(markdown.lines().any(|line| line.contains(&check.name) && line.contains(&format!("| {rows} |"))));
        let found =
            select(&html, ".check .line").iter().map(|line| line.text().collect::<String>()).collect::<Vec<_>>();
        assert!(found.iter().any(|line| line.contains(&check.name) && line.contains(&format!("{rows} of 4,600"))));
        let case =
            |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some(&format!("{} on {}", check.name, check.on));
        let case = junit.descendants().find(case).unwrap();
        let told = case.descendants().filter_map(|node| node.attribute("message").or(node.text())).collect::<String>();
        assert!(told.contains(&format!("{rows} of 4,600 rows found")), "{told}");
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_is_well_formed() {
    let page = shown(&sample::report(), Form::Html);
    for sign in ["http:", "https:", "//", "url(", "@import", "<script", "<link", "src=", "javascript:"] {
        assert!(!page.contains(sign), "{sign}");
    }
    let read = Html::parse_document(&page);
    // Every element that HTML wants closed is closed, by the parser's own account of the tree.
    for element in
        ["section", "table", "tbody", "figure", "svg", "details", "header", "div", "dl", "ul", "p", "td", "th", "tr"]
    {
        let opened = page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!((opened, page.matches(&format!("</{element}>")).count()), (opened, opened), "{element}");
        assert_eq!(select(&read, element).len(), opened, "{element}");
    }
    let ids: Vec<&str> = select(&read, "[id]").iter().filter_map(|element| element.attr("id")).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "an id is there twice: {ids:?}");
    for link in select(&read, "nav a") {
        assert!(ids.contains(&link.attr("href").unwrap().trim_start_matches('#')), "{:?}", link.attr("href"));
    }
    for picture in select(&read, "svg") {
        let names = picture.attr("aria-labelledby").unwrap();
        assert!(names.split(' ').all(|name| ids.contains(&name)), "{names}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let calm = Html::parse_document(&shown(&sample::report(), Form::Html));
    for text in HOSTILE {
        let report = hostile(text);
        let page = shown(&report, Form::Html);
        let read = Html::parse_document(&page);
        for selector in ["script", "img", "b[onclick]", "[onerror]", "a[href^=javascript]"] {
            assert!(select(&read, selector).is_empty(), "{selector}: {text}");
        }
        for selector in ["table", "section", "details", "b"] {
            assert_eq!(select(&read, selector).len(), select(&calm, selector).len(), "{selector}: {text}");
        }
        let harmless = |c: char| !c.is_control() && c != '\u{202e}' || c == '\n';
        for form in [Form::Html, Form::Markdown, Form::Junit] {
            assert!(shown(&report, form).chars().all(harmless), "{form:?}: {text}");
        }
        assert!(
            select(&read, ".verdict").iter().any(|said| said.text().collect::<String>().contains("The run failed"))
        );
        // XML is read back as what was written.
        let junit = shown(&report, Form::Junit);
        let junit = roxmltree::Document::parse(&junit).unwrap_or_else(|error| panic!("{error}: {junit}"));
        let project = junit.descendants().find(|node| node.attribute("name") == Some("project")).unwrap();
        assert_eq!(project.attribute("value"), Some(crate::report::printable(text).as_str()));
        // Markdown has the tables that it should have, each row with as many cells, and no HTML but its own.
        let markdown = shown(&report, Form::Markdown);
        let (mut tables, mut foreign) = (0, Vec::new());
        for event in Parser::new_ext(&markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Start(Tag::Table(_)) => tables += 1,
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis) => foreign.push("a link".to_owned()),
                Event::Html(html) | Event::InlineHtml(html)
                    if !html.starts_with("<details><summary>") && !html.starts_with("</details>") =>
                {
                    foreign.push(html.to_string());
                }
                _ => {}
            }
        }
        assert_eq!((tables, foreign), (6, vec![]), "{markdown}");
        assert!(!markdown.contains("@everyone"), "{markdown}");
        let yaml: Value = serde_saphyr::from_str(&shown(&report, Form::Yaml)).unwrap();
        assert_eq!(yaml, serde_json::to_value(&report).unwrap(), "{text}");
    }
}

#[test]
fn the_schema_of_junit_is_kept() {
    let mut report = sample::report();
    report.tables[1].balanced = false;
    report.tables[1].rows_inserted = 40;
    let text = shown(&report, Form::Junit);
    let xml = roxmltree::Document::parse(&text).unwrap();
    // What the schema has in which element, in this order, and which attributes.
    let allowed: [(&str, &[&str], &[&str]); 8] = [
        ("testsuites", &["testsuite"], &["name", "tests", "failures", "errors", "time"]),
        (
            "testsuite",
            &["properties", "testcase"],
            &["name", "id", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"],
        ),
        ("properties", &["property"], &[]),
        ("property", &[], &["name", "value"]),
        ("testcase", &["skipped", "failure", "system-out"], &["classname", "name", "time"]),
        ("failure", &[], &["type", "message"]),
        ("skipped", &[], &["message"]),
        ("system-out", &[], &[]),
    ];
    for node in xml.descendants().filter(roxmltree::Node::is_element) {
        let (_, children, attributes) = allowed.iter().find(|(name, ..)| node.has_tag_name(*name)).unwrap();
        assert!(node.attributes().all(|attribute| attributes.contains(&attribute.name())), "{node:?}");
        let places: Vec<usize> = node
            .children()
            .filter(roxmltree::Node::is_element)
            .map(|child| children.iter().position(|name| child.has_tag_name(*name)).unwrap())
            .collect();
        assert!(places.is_sorted(), "{node:?}");
    }
    for suite in xml.descendants().filter(|node| node.has_tag_name("testsuite")) {
        let number = |name: &str| suite.descendants().filter(|node| node.has_tag_name(name)).count().to_string();
        let said = |name: &str| suite.attribute(name).unwrap().to_owned();
        let counted = [number("testcase"), number("failure"), number("skipped")];
        assert_eq!([said("tests"), said("failures"), said("skipped")], counted);
    }
    insta::assert_snapshot!("junit", text);
}

#[test]
fn the_markdown_of_a_run() {
    insta::assert_snapshot!("markdown", shown(&sample::report(), Form::Markdown));
}

#[test]
fn the_page_of_a_run() {
    let page = shown(&sample::report(), Form::Html);
    // What it looks like is another matter.
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    insta::assert_snapshot!("page", format!("{head}…{body}"));
}

#[test]
fn the_yaml_of_a_run() {
    insta::assert_snapshot!("yaml", shown(&sample::report(), Form::Yaml));
}

#[test]
fn the_form_is_told_by_the_ending() {
    let form = |name: &str| Form::of_file(std::path::Path::new(name));
    assert_eq!(form("a/report.html"), Some(Form::Html));
    assert_eq!(form("junit.xml"), Some(Form::Junit));
    assert_eq!(form("report.md"), Some(Form::Markdown));
    assert_eq!((form("report"), form("report.pdf")), (None, None));
}
