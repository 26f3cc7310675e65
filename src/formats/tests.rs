//! Every format, well made and hostile.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn decoded(path: &str, text: &str) -> Decoded {
    decode(path, text.as_bytes()).unwrap_or_else(|(format, error)| panic!("{format}: {error}"))
}

fn text_of_pieces(decoded: &Decoded) -> String {
    decoded.pieces.iter().map(|piece| piece.text.as_str()).collect()
}

fn names(decoded: &Decoded) -> Vec<&str> {
    decoded.pieces.iter().filter_map(|piece| piece.name.as_deref()).collect()
}

#[test]
fn a_format_is_known_by_name_and_content() {
    for (path, bytes, format) in [
        ("a/README.md", &b"# A"[..], Format::Markdown),
        ("a.MDX", b"x", Format::Mdx),
        ("a.ipynb", b"{}", Format::Notebook),
        ("doc/copyright", b"plain", Format::Text),
        ("changes-1.2", b"plain", Format::Text),
        ("bin/run", b"#!/bin/sh\n", Format::Other),
        ("Makefile", b"all:", Format::Other),
        ("a.c", b"int x;", Format::Other),
        ("a.c", b"\0\0", Format::Binary),
        ("README", b"caf\xe9", Format::Text),
        ("a.o", b"\x7fELF\xff\xfe", Format::Binary),
        ("a.md", b"%PDF-1.7", Format::Pdf),
        ("logo.SVG", b"<svg/>", Format::Image),
        ("a.tar.xz", b"", Format::Archive),
        (".gitignore", b"target", Format::Other),
    ] {
        assert_eq!(detect(path, bytes), format, "{path}");
    }
}

#[test]
fn markdown_has_its_headings_and_its_front_matter() {
    let text = "---\ntitle: The mill\nweight: 3\n---\n# Water `wheel`\n\ntext\n\n> # quoted\n\nStones\n------\nmore\n";
    let found = decoded("a.md", text);
    assert_eq!(found.parsed["front_matter"], json!({ "title": "The mill", "weight": 3 }));
    assert_eq!(found.parsed["title"], "The mill");
    let marks = &found.pieces[0].marks;
    assert_eq!(
        marks.iter().map(|mark| (mark.level, mark.text.as_str())).collect::<Vec<_>>(),
        [(1, "Water wheel"), (2, "Stones")]
    );
    assert!(found.pieces[0].text.starts_with("# Water"), "front matter is no text");
    let toml = decoded("a.md", "+++\ndraft = true\n+++\nbody\n");
    assert_eq!(toml.parsed["front_matter"], json!({ "draft": true }));
    // What can't be read as front matter stays what it is: text.
    for text in ["---\n: [\n---\nbody\n", "---\nno end\n", "---", "---\n- a list\n---\nbody\n"] {
        assert_eq!(text_of_pieces(&decoded("a.md", text)), text);
    }
    assert_eq!(decoded("a.md", " \n\n").pieces, []);
}

#[test]
fn pictures_that_are_written_into_markdown_are_left_out_and_counted() {
    let payload = "iVBORw0KGgo".repeat(1000);
    let png = format!("data:image/png;base64,{payload}=");
    let text = format!(
        "# Wheel\n\n![the wheel]({png} \"from above\") and ![][one]\n\n<img src=\"{png}\" alt=\"x\">\n\n\
         Is `{png}` long?\n\n```\n{png}\n```\n\ndata:image/png;base64, begins one, data:image/svg+xml,%3Csvg is another.\n\n\
         [one]: data:image/svg+xml;charset=utf-8;base64,PHN2Zz4\n# End\n"
    );
    let found = decoded("a.md", &text);
    assert_eq!(
        text_of_pieces(&found),
        format!(
            "# Wheel\n\n![the wheel](# \"from above\") and ![][one]\n\n<img src=\"#\" alt=\"x\">\n\n\
             Is `{png}` long?\n\n```\n{png}\n```\n\n\
             data:image/png;base64, begins one, data:image/svg+xml,%3Csvg is another.\n\n[one]: #\n# End\n"
        )
    );
    assert_eq!(found.parsed["images_left_out"], 3);
    let marks: Vec<&str> = found.pieces[0].marks.iter().map(|mark| mark.text.as_str()).collect();
    assert_eq!(marks, ["Wheel", "End"]);
    assert_eq!(decoded("a.md", "# A\n").parsed.get("images_left_out"), None);
    let notebook = json!({ "nbformat": 4, "cells": [
        { "cell_type": "markdown", "source": ["# Plot\n", format!("![]({png})")], "attachments": { "b.png": {} } },
        { "cell_type": "code", "source": format!("show('{png}')"), "outputs": [] } ] });
    let found = decoded("a.ipynb", &notebook.to_string());
    assert_eq!(text_of_pieces(&found), format!("# Plot\n![](#)\n\n```python\nshow('{png}')\n```\n\n"));
    assert_eq!(found.parsed["images_left_out"], 2);
}

#[test]
fn pages_that_say_nothing_of_their_own_have_no_text() {
    for (head, body) in [
        (r#"<meta http-equiv=Refresh content="0; URL=new.html">"#, "<body><p>Redirecting to new.html"),
        ("", r#"<body class="rustdoc mod sys"><section id=main-content><h1>Rustdoc settings</h1>"#),
        ("", r#"<body class="rustdoc src"><section id=main-content><pre>1 fn a() {}</pre>"#),
    ] {
        let found = decoded("a.html", &format!("<html><head>{head}</head>{body}</html>"));
        assert_eq!(text_of_pieces(&found), "", "{head}{body}");
    }
    let again = r#"<html><head><meta http-equiv="refresh" content="300"></head><body class="sys"><p>News.</html>"#;
    assert_eq!(text_of_pieces(&decoded("a.html", again)), "News.\n");
}

#[test]
fn html_is_the_text_of_its_main_part() {
    let page = "<html><head><title>Visitor in serde::de - Rust</title><meta name=generator content=rustdoc>\
                <script>alert(1)</script></head><body><nav>menu</nav><section id=main-content>\
                <h1>Trait <span>Visitor</span> <a class=anchor>§</a></h1><p>Walks  a\n <code>Deserializer</code>.</p>\
                <pre>fn a() {\n    b\n}</pre><ul><li>one<li>two</ul><table><tr><td>a<td>b</table><img src=x>\
                </section><footer>end</footer></body></html>";
    let found = decoded("a.html", page);
    let text = text_of_pieces(&found);
    assert_eq!(found.parsed["title"], "Visitor in serde::de - Rust");
    assert_eq!((&found.parsed["generator"], &found.parsed["images"]), (&json!("rustdoc"), &json!(1)));
    for part in ["# Trait Visitor", "Walks a `Deserializer`.", "```\nfn a() {\n    b\n}\n```", "- one\n- two", "a | b"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    for part in ["alert", "menu", "end"] {
        assert!(!text.contains(part), "{part:?} is in {text}");
    }
    let mark = &found.pieces[0].marks[0];
    assert_eq!((mark.level, mark.text.as_str()), (1, "Trait Visitor"));
    assert!(text[mark.at..].starts_with('#'));
}

#[test]
fn notebooks_of_both_forms_are_cells_and_outputs() {
    let four = json!({ "nbformat": 4, "metadata": { "language_info": { "name": "python" } }, "cells": [
        { "cell_type": "markdown", "source": ["# Intro\n", "text"] },
        { "cell_type": "code", "source": "print('```')", "outputs": [
            { "output_type": "stream", "text": ["a\n", "b\n"] },
            { "output_type": "display_data", "data": { "image/png": "iVBOR", "text/plain": "<Figure>" } },
            { "output_type": "display_data", "data": { "image/png": "iVBOR" } },
            { "output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\u{1b}[0;31mE\u{1b}[0m: v"] } ] },
        { "cell_type": "raw", "source": "raw" } ] });
    let found = decoded("a.ipynb", &four.to_string());
    let text = text_of_pieces(&found);
    for part in
        ["# Intro\ntext\n", "````python\nprint('```')\n````", "```text\na\nb\n```", "<Figure>", "\nE: v\n", "raw"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("iVBOR"));
    assert_eq!((&found.parsed["images_left_out"], &found.parsed["code_cells"]), (&json!(2), &json!(1)));
    let three = json!({ "nbformat": 3, "worksheets": [{ "cells": [
        { "cell_type": "heading", "level": 2, "source": "Old" },
        { "cell_type": "code", "language": "python", "input": ["1 + 1"], "outputs": [{ "output_type": "pyout", "text": ["2"], "png": "x" }] },
    ] }] });
    let found = decoded("b.ipynb", &three.to_string());
    assert_eq!(text_of_pieces(&found), "## Old\n\n```python\n1 + 1\n```\n\n```text\n2\n```\n\n");
    assert_eq!(found.pieces[0].marks[0].text, "Old");
    for (text, why) in [("{", "EOF"), ("[]", "no nbformat"), ("{\"nbformat\": 2, \"worksheets\": []}", "nbformat 2")] {
        let (format, error) = decode("a.ipynb", text.as_bytes()).unwrap_err();
        assert!(format == Format::Notebook && error.to_string().contains(why), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn restructured_text_has_levels_by_first_use() {
    let text = "=====\nTitle\n=====\n\nintro\n\nPart\n----\n\n.. code::\n\nDeep\n~~~~\n\nNext\n----\n\na\n--\n";
    let marks = decoded("a.rst", text).pieces[0].marks.clone();
    let found: Vec<_> = marks.iter().map(|mark| (mark.level, mark.text.as_str())).collect();
    assert_eq!(found, [(1, "Title"), (2, "Part"), (3, "Deep"), (2, "Next"), (2, "a")]);
    assert_eq!(marks[0].at, 0);
}

const API: &str = "openapi: 3.0.0
info: {title: Prices, version: '2'}
servers: [{url: 'https://api.example'}]
paths:
  /price/{id}:
    parameters: [{$ref: '#/components/parameters/Id'}]
    get:
      summary: One price
      tags: [price]
      responses:
        '200':
          description: fine
          content: {application/json: {schema: {$ref: '#/components/schemas/Price'}}}
    delete: {responses: {}}
components:
  parameters: {Id: {name: id, in: path, required: true, schema: {type: string, example: abc}}}
  schemas:
    Price: {type: object, required: [value], properties: {value: {type: number, description: in USD}, next: {$ref: '#/components/schemas/Price'}}}
";

#[test]
fn an_api_is_a_piece_for_each_operation() {
    let found = decoded("api.yaml", API);
    assert_eq!(found.format, Format::OpenApi);
    assert_eq!(names(&found), ["Prices", "GET /price/{id}", "DELETE /price/{id}"]);
    let get = &found.pieces[1];
    for part in [
        "One price",
        "`id` (path, string, required)",
        "example `\"abc\"`",
        "### 200",
        "- `value` (number, required): in USD",
        "    - `value`",
    ] {
        assert!(get.text.contains(part), "{part:?} is not in {}", get.text);
    }
    assert_eq!((&get.data["method"], &get.data["tags"]), (&json!("GET"), &json!(["price"])));
    let swagger = r#"{"swagger": "2.0", "host": "h", "paths": {"/a": {"post": {"parameters": [{"in": "body", "name": "b", "schema": {"properties": {"x": {"type": "string"}}}}]}}}}"#;
    let found = decoded("api.json", swagger);
    assert!(found.pieces[1].text.contains("`x` (string)"), "{}", found.pieces[1].text);
    // Values that are no documentation are there as values.
    let data = decoded("a.json", r#"{"a": "\u0000"}"#);
    assert_eq!((data.pieces.len(), &data.parsed), (0, &json!({ "a": "\u{fffd}" })));
    assert_eq!(decoded("a.toml", "a = 1").parsed, json!({ "a": 1 }));
}

const SOURCE: &str = r##"//! The crate's page.
#![allow(unused)]
/// Not documentation of `use`.
use std::fmt;

/// Walks.
///
/// ```
/// let a = "}";
/// ```
pub struct Walker<'a, T: Fn(&str) -> bool = fn(&str) -> bool> {
    /// Its pace.
    pub pace: Option<&'a T>,
    /// Hidden.
    secret: u8,
}

impl<'a, T> Walker<'a, T> where T: Fn(&str) -> bool {
    /// Begins.
    pub const fn new(x: [u8; { 3 }]) -> Self { let y = r#"} " {"#; let c = '}'; let d = '\''; loop {} }
    /// Private.
    fn hidden(&self) {}
}

impl<T> fmt::Debug for Walker<'_, T> {
    /// Of the trait.
    fn fmt(&self) {}
}

/// What it may be. /* no comment */
pub enum Kind {
    /// The first.
    First { /** inner field */ a: u8 },
    /// The second.
    Second(u8),
}

/// Says.
pub trait Says {
    /// Says it.
    fn say(&self);
    /// With a body.
    fn twice(&self) { self.say(); }
}

pub mod inner {
    //! Inside.
    /* /* nested */ } */
    #[doc = "By attribute \"quoted\"."]
    pub fn item() -> impl Iterator<Item = u8> {}
    /// For the crate.
    pub(crate) fn own() {}
    /// A number.
    pub const LIMIT: usize = { 3 };
    /// More.
    pub static r#STATIC: &str = "x";
}

/// Makes.
#[macro_export]
macro_rules! make { ($x:expr) => { /// not this
    $x } }

#[cfg(test)]
mod tests {
    /// Of tests.
    pub fn a_test() {}
}
"##;

#[test]
fn doc_comments_of_rust_are_pieces_by_item() {
    let found = decoded("src/walk.rs", SOURCE);
    let expected =
        ["walk", "walk::Walker", "walk::Kind", "walk::Says", "walk::inner", "walk::inner::item", "walk::inner::LIMIT"];
    let names = names(&found);
    for name in expected {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(names.contains(&"make!"), "{names:?}");
    let text = text_of_pieces(&found);
    for part in [
        "The crate's page.",
        "Its pace.",
        "## `Walker::new`",
        "pub const fn new(x: [u8; { 3 }]) -> Self",
        "The second.",
        "## `Says::twice`",
        "Inside.",
        "By attribute \"quoted\".",
        "A number.",
        "More.",
        "let a = \"}\";",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    for part in ["Hidden.", "Private.", "Of the trait.", "For the crate.", "Of tests.", "not this", "Not documentation"]
    {
        assert!(!text.contains(part), "{part:?} is in {text}");
    }
    assert_eq!(names_of_module("src/lib.rs"), "crate");
    assert_eq!(names_of_module("serde-1/src/de/mod.rs"), "de");
    assert_eq!(names_of_module("examples/run.rs"), "examples::run");
    assert_eq!(decoded("build.rs", "fn main() {}").pieces, []);
}

fn names_of_module(path: &str) -> String {
    decoded(path, "//! x\n").pieces[0].name.clone().unwrap()
}

#[test]
fn rustdoc_json_is_a_piece_for_each_item() {
    let found = decoded(
        "a.json",
        &json!({ "format_version": 45, "root": 1, "index": {
        "1": { "crate_id": 0, "name": "a", "docs": "The crate.", "inner": { "module": { "items": [2] } } },
        "2": { "crate_id": 0, "name": "S", "docs": "A thing.", "inner": { "struct": { "impls": [3] } } },
        "3": { "crate_id": 0, "inner": { "impl": { "trait": null, "items": [4] } } },
        "4": { "crate_id": 0, "name": "go", "docs": "Goes." },
    }, "paths": {
        "1": { "crate_id": 0, "path": ["a"], "kind": "module" },
        "2": { "crate_id": 0, "path": ["a", "S"], "kind": "struct" },
        "9": { "crate_id": 5, "path": ["std", "X"], "kind": "struct" },
    } })
        .to_string(),
    );
    assert_eq!((found.format, names(&found)), (Format::RustdocJson, vec!["a", "a::S"]));
    assert!(found.pieces[1].text.contains("A thing.") && found.pieces[1].text.contains("Goes."));
}

#[test]
fn text_is_taken_in_the_encodings_it_says() {
    assert_eq!(text_of_pieces(&decode("a.txt", b"\xef\xbb\xbfabc").unwrap()), "abc");
    assert_eq!(text_of_pieces(&decode("a.txt", b"\xff\xfea\0b\0").unwrap()), "ab");
    for (bytes, error) in [
        (&b"ab\xe9"[..], FormatError::NotUtf8(2)),
        (b"\xef\xbb\xbfab\xe9", FormatError::NotUtf8(5)),
        (b"a\0", FormatError::Nul(1)),
    ] {
        assert_eq!(decode("a.md", bytes).unwrap_err().1, error);
    }
}

#[test]
fn nesting_and_size_overwhelm_no_decoder() {
    let deep = 100_000;
    for (path, text) in [
        ("a.json", "[".repeat(deep)),
        ("a.yaml", "[".repeat(deep)),
        ("a.yaml", "- ".repeat(deep)),
        ("a.yaml", "a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n".to_owned()),
        ("a.toml", format!("a = {}", "[".repeat(deep))),
        ("a.html", "<div>".repeat(deep)),
        ("a.html", "<b><i>".repeat(2_000)),
        ("a.md", "> ".repeat(deep)),
        ("a.md", "[".repeat(deep)),
        ("a.md", "*_".repeat(20_000)),
        ("a.rs", "{".repeat(deep)),
        ("a.rs", "mod a { ".repeat(1_000)),
        ("a.rs", "impl<".repeat(deep)),
        ("a.rs", "/*".repeat(deep)),
        ("a.rst", "=\n".repeat(deep)),
        ("a.ipynb", format!("{{\"nbformat\": 4, \"cells\": [{{\"cell_type\": \"code\", \"source\": \"{}\"}}]}}", "`".repeat(deep))),
    ] {
        // On a stack as a tree's thread has it. Whether it is an error or not: it comes to an end.
        let run = move || drop(decode(path, text.as_bytes()));
        std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap_or_else(|_| panic!("{path}"));
    }
}

/// Words that formats are made of, in any order.
fn scraps() -> impl Strategy<Value = String> {
    let words = [
        "---\n",
        "+++\n",
        "# ",
        "\n",
        "```",
        "<p>",
        "</p>",
        "<h1>",
        "<pre>",
        "<script>",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "'",
        "\\",
        "///",
        "//!",
        "/*",
        "*/",
        "pub ",
        "fn ",
        "struct ",
        "impl ",
        "for ",
        "const ",
        "mod ",
        "enum ",
        "=",
        ";",
        "r#\"",
        "#[",
        "#![doc",
        "b'",
        "é",
        "\u{1b}[",
        "===\n",
        "Title\n",
        "nbformat",
        "cells",
        "4",
        "openapi",
        "paths",
        "$ref",
        "#/paths",
        "&a ",
        "*a ",
        "- ",
        "\t",
        "<",
        ">",
        "->",
        "(crate",
        "macro_rules",
        "![](data:image/png;base64,",
        "!",
        "a",
        "1",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

const PATHS: [&str; 10] =
    ["a.md", "a.mdx", "a.html", "a.ipynb", "a.rst", "a.json", "a.yaml", "a.toml", "src/a.rs", "a.txt"];

proptest! {
    #[test]
    fn nothing_makes_a_decoder_panic(text in scraps(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for path in PATHS {
            for bytes in [text.as_bytes(), &bytes] {
                if let Ok(decoded) = decode(path, bytes) {
                    for piece in &decoded.pieces {
                        prop_assert!(!piece.text.contains('\0'));
                        for mark in &piece.marks {
                            prop_assert!(piece.text.is_char_boundary(mark.at), "{path}: {mark:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn parts_are_the_text_and_fit(text in scraps(), limit in 1_usize..40) {
        let marks = markdown::marks(&text);
        let count = |text: &str| text.len().div_ceil(3) + text.matches('é').count();
        let parts = split(&text, &marks, limit, &count);
        prop_assert_eq!(parts.iter().map(|part| part.text).collect::<String>(), text.clone());
        for part in &parts {
            prop_assert!(part.tokens <= limit || part.text.chars().count() <= 1, "{:?} of {}", part, limit);
        }
        prop_assert_eq!(parts, split(&text, &marks, limit, &count));
    }
}

#[test]
fn a_long_text_is_cut_at_headings_and_says_where_it_stands() {
    let text = "# A\n\nintro\n\n## B\n\nfirst part of b.\n\nsecond part of b.\n\n## C\n\nc\n";
    let marks = markdown::marks(text);
    let parts = split(text, &marks, 30, &str::len);
    let told: Vec<(&str, Vec<&str>)> =
        parts.iter().map(|part| (part.text, part.headings.iter().map(String::as_str).collect())).collect();
    assert_eq!(
        told,
        [
            ("# A\n\nintro\n\n", vec!["A"]),
            ("## B\n\nfirst part of b.\n\n", vec!["A", "B"]),
            ("second part of b.\n\n", vec!["A", "B"]),
            ("## C\n\nc\n", vec!["A", "C"]),
        ]
    );
    assert_eq!(split(text, &marks, 1000, &str::len).len(), 1);
}

#[test]
fn blank_lines_are_no_part_of_their_own() {
    let heading = format!("\n\n# {}\n", "abc ".repeat(6) + "abc");
    let line = format!("{}\n\n", "abcd ".repeat(20));
    let full = "abcd abcd abcd abcd abcd abcd\n\n\n".to_owned();
    for (text, parts) in [
        // Before a section that has no room for them, behind the rest of a line, behind a line that is as long as a
        // part may be.
        (&heading, vec!["\n\n# abc abc abc abc ", "abc abc abc\n"]),
        (&line, vec![&line[..25], &line[25..50], &line[50..75], &line[75..]]),
        (&full, vec!["abcd abcd abcd abcd ", "abcd abcd\n\n\n"]),
    ] {
        let found = split(text, &markdown::marks(text), 30, &str::len);
        assert_eq!(found.iter().map(|part| part.text).collect::<Vec<_>>(), parts);
    }
}
