//! HTML: the text of its main part, as Markdown.

use ego_tree::iter::Edge;
use scraper::node::{Element, Node};
use scraper::{ElementRef, Html};
use serde_json::{Map, Value};

use super::pieces::{Mark, headings, without_nul};
use super::{Decoded, Format, FormatError, rustdoc_page, whole};

/// Elements that are no text of a document: scripts, what one clicks on, what leads elsewhere.
const LEFT_OUT: [&str; 18] = [
    "script",
    "style",
    "nav",
    "noscript",
    "template",
    "svg",
    "button",
    "form",
    "iframe",
    "head",
    "select",
    "input",
    "footer",
    "rustdoc-toolbar",
    "rustdoc-search",
    "object",
    "canvas",
    "math",
];

/// Elements that begin a line of their own.
const BLOCKS: [&str; 32] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
];

/// Elements that may be open at once. HTML's rules look through those that are open at every tag, so the time that a page
/// takes is the square of that.
const DEPTH: usize = 1000;

/// Elements that have no end, or whose end is usually left out.
const WITHOUT_END: [&str; 24] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "rp", "rt", "source", "td", "th", "tr", "track", "wbr",
];

/// Whether more elements are open at once than [`DEPTH`], as far as that shows without reading the page.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut from) = (0_usize, 0);
    while let Some(at) = memchr::memchr(b'<', &text.as_bytes()[from..]) {
        from += at + 1;
        let rest = &text[from..];
        if rest.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let name = rest[..end].to_ascii_lowercase();
            depth += usize::from(!WITHOUT_END.contains(&name.as_str()));
            // Twice, for ends that are left out without leave.
            if depth > 2 * DEPTH {
                return true;
            }
        }
    }
    false
}

pub(super) fn decode(text: &str) -> Result<Decoded, FormatError> {
    if is_too_deep(text) {
        let reason = format!("more than {DEPTH} elements are open at once");
        return Err(FormatError::Broken { format: Format::Html, reason });
    }
    let html = Html::parse_document(text);
    let head = Head::of(&html);
    let is_rustdoc = head.generator.as_deref() == Some("rustdoc");
    let mut writer = Writer { is_rustdoc, ..Writer::default() };
    let is_page = !head.leads_elsewhere && !rustdoc_page::is_about_no_item(&html);
    if let Some(main) = main_part(&html).filter(|_| is_page) {
        writer.write(main);
    }
    let Writer { mut out, marks, images, .. } = writer;
    let end = out.trim_end().len();
    out.truncate(end);
    if !out.is_empty() {
        out.push('\n');
    }
    let mut parsed = Map::new();
    let mut add = |name: &str, text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            parsed.insert(name.to_owned(), Value::from(without_nul(&text)));
        }
    };
    add("title", head.title);
    add("generator", head.generator);
    add("description", head.description);
    parsed.insert("headings".to_owned(), headings(&marks));
    if images > 0 {
        parsed.insert("images".to_owned(), Value::from(images));
    }
    Ok(whole(Format::Html, Value::Object(parsed), without_nul(&out), marks))
}

/// What the head of a document says.
#[derive(Default)]
struct Head {
    title: Option<String>,
    generator: Option<String>,
    description: Option<String>,
    /// Whether it is there for those who have an old link: it sends them on.
    leads_elsewhere: bool,
}

impl Head {
    fn of(html: &Html) -> Self {
        let mut head = Self::default();
        for element in html.root_element().descendants().filter_map(ElementRef::wrap) {
            match element.value().name() {
                "title" if head.title.is_none() => {
                    head.title = Some(collapsed(&element.text().collect::<String>()));
                }
                "meta" => {
                    let content = || element.value().attr("content").map(collapsed);
                    if element.value().attr("http-equiv").is_some_and(|what| what.eq_ignore_ascii_case("refresh")) {
                        // One without a URL asks for itself again.
                        let place = content().unwrap_or_default().to_ascii_lowercase();
                        head.leads_elsewhere |= place.contains("url=");
                    }
                    match element.value().attr("name") {
                        Some("generator") => head.generator = content(),
                        Some("description") => head.description = content(),
                        _ => {}
                    }
                }
                // mdBook says it nowhere else.
                "link" if element.value().attr("href").is_some_and(|href| href.contains("ayu-highlight")) => {
                    head.generator.get_or_insert_with(|| "mdbook".to_owned());
                }
                _ => {}
            }
        }
        head
    }
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The element that holds what the document says: what it declares as such, else its body.
fn main_part(html: &Html) -> Option<ElementRef<'_>> {
    let elements = || html.root_element().descendants().filter_map(ElementRef::wrap);
    let first = |is: &dyn Fn(&ElementRef<'_>) -> bool| elements().find(|element| is(element));
    first(&|element| element.value().attr("id") == Some("main-content"))
        .or_else(|| first(&|element| element.value().attr("role") == Some("main")))
        .or_else(|| first(&|element| element.value().name() == "main"))
        .or_else(|| first(&|element| element.value().name() == "article"))
        .or_else(|| first(&|element| element.value().name() == "body"))
}

/// Writes elements as Markdown.
#[derive(Default)]
struct Writer {
    is_rustdoc: bool,
    out: String,
    marks: Vec<Mark>,
    images: u64,
    /// Elements that are open and left out.
    skipped: usize,
    /// `pre` elements that are open.
    verbatim: usize,
    /// Whether a heading is open.
    heading: bool,
    /// Whether white space was passed over.
    space: bool,
}

impl Writer {
    fn write(&mut self, root: ElementRef<'_>) {
        for edge in root.traverse() {
            match edge {
                Edge::Open(node) => match node.value() {
                    Node::Text(text) if self.skipped == 0 => self.text(text),
                    Node::Element(element) => {
                        if self.leaves_out(element) {
                            self.skipped += 1;
                        } else if self.skipped == 0 {
                            self.open(element.name());
                        }
                    }
                    _ => {}
                },
                Edge::Close(node) => {
                    if let Node::Element(element) = node.value() {
                        if self.leaves_out(element) {
                            self.skipped -= 1;
                        } else if self.skipped == 0 {
                            self.close(element.name());
                        }
                    }
                }
            }
        }
    }

    fn leaves_out(&self, element: &Element) -> bool {
        LEFT_OUT.contains(&element.name())
            || element.attr("hidden").is_some()
            || (self.is_rustdoc && rustdoc_page::leaves_out(element))
    }

    fn open(&mut self, name: &str) {
        if let Some(level) = heading(name) {
            self.blank_line();
            self.marks.push(Mark { at: self.out.len(), level, text: String::new() });
            self.heading = true;
            for _ in 0..level {
                self.out.push('#');
            }
            self.out.push(' ');
            return;
        }
        match name {
            "pre" => {
                self.blank_line();
                self.out.push_str("```\n");
                self.verbatim += 1;
            }
            "li" => {
                self.line();
                self.out.push_str("- ");
            }
            "code" | "kbd" | "samp" if self.verbatim == 0 && !self.heading => {
                self.pending_space();
                self.out.push('`');
            }
            "td" | "th" if !self.out.ends_with('\n') => {
                self.out.push_str(" | ");
                self.space = false;
            }
            "td" | "th" => {}
            "br" => {
                self.out.push('\n');
                self.space = false;
            }
            "img" => self.images += 1,
            "p" | "table" | "blockquote" | "section" | "article" | "dl" => self.blank_line(),
            name if BLOCKS.contains(&name) => self.line(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if heading(name).is_some() {
            self.heading = false;
            if let Some(mark) = self.marks.last_mut() {
                // rustdoc and mdBook put a sign beside a heading that links to it.
                mark.text = collapsed(mark.text.trim_matches('§'));
            }
            self.blank_line();
            return;
        }
        match name {
            "pre" => {
                self.verbatim = self.verbatim.saturating_sub(1);
                if !self.out.ends_with('\n') {
                    self.out.push('\n');
                }
                self.out.push_str("```\n\n");
            }
            "code" | "kbd" | "samp" if self.verbatim == 0 && !self.heading => {
                self.out.push('`');
            }
            "p" | "table" | "blockquote" | "ul" | "ol" | "dl" => self.blank_line(),
            name if BLOCKS.contains(&name) => self.line(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.verbatim > 0 {
            self.out.push_str(text);
            return;
        }
        for (place, word) in text.split(|c: char| c.is_ascii_whitespace()).enumerate() {
            if place > 0 {
                self.space = true;
            }
            if word.is_empty() {
                continue;
            }
            let spaced = self.pending_space();
            let word = if self.heading { word.trim_matches('§') } else { word };
            self.out.push_str(word);
            if self.heading
                && let Some(mark) = self.marks.last_mut()
            {
                if spaced {
                    mark.text.push(' ');
                }
                mark.text.push_str(word);
            }
        }
    }

    /// Writes the space that was passed over, where one belongs; says whether.
    fn pending_space(&mut self) -> bool {
        let begins = self.out.is_empty() || self.out.ends_with([' ', '\n']);
        let spaced = std::mem::take(&mut self.space) && !begins;
        if spaced {
            self.out.push(' ');
        }
        spaced
    }

    fn line(&mut self) {
        self.space = false;
        if self.verbatim == 0 && !self.out.is_empty() && !self.out.ends_with('\n') && !self.out.ends_with("- ") {
            self.out.push('\n');
        }
    }

    fn blank_line(&mut self) {
        self.line();
        if self.verbatim == 0 && !self.out.is_empty() && !self.out.ends_with("\n\n") && !self.out.ends_with("- ") {
            self.out.push('\n');
        }
    }
}

fn heading(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}
