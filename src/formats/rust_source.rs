//! Rust source: what its doc comments say, item by item.
//!
//! A lexer and a stack of scopes, no parser: it follows braces, strings and comments as rustc's lexer does, and knows enough
//! of items to name them. It needs no memory for nesting but one word a level, and what it does not understand it passes by.

mod header;
mod lexer;

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::json;

use super::pieces::Piece;
use super::{Decoded, Format, markdown};
use header::{doc_attribute, implemented, signature};
use lexer::{Lexer, Token};

/// Words before the word that says what an item is.
const BEFORE: [&str; 8] = ["pub", "unsafe", "async", "extern", "default", "auto", "crate", "safe"];

/// Modules in one another that are followed: nobody writes more, and every item's name has all of them in it.
const MODULES: usize = 32;

pub(super) fn decode(path: &str, text: &str) -> Decoded {
    let mut reader = Reader {
        text,
        module: module_of(path),
        scopes: Vec::new(),
        docs: String::new(),
        pages: Vec::new(),
        places: HashMap::new(),
        documented: 0,
        private: 0,
    };
    reader.read();
    let Reader { pages, documented, private, .. } = reader;
    let pieces: Vec<Piece> = pages.into_iter().filter(|page| page.says).map(Page::into_piece).collect();
    let parsed = json!({
        "documented_items": documented,
        "private_items_left_out": private,
        "items": pieces.iter().filter_map(|piece| piece.name.clone()).collect::<Vec<_>>(),
    });
    Decoded { format: Format::Rust, parsed, pieces }
}

/// The path of the module that a file is, by cargo's and rustc's rules for where modules are.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let inside = path.rsplit_once("/src/").map_or_else(|| path.strip_prefix("src/").unwrap_or(path), |(_, rest)| rest);
    let mut parts: Vec<String> = inside.split('/').map(ToOwned::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || (parts.len() == 1 && (last == "lib" || last == "main"))) {
        parts.pop();
    }
    parts
}

/// One item with what belongs to it.
struct Page {
    name: String,
    kind: &'static str,
    text: String,
    /// Whether there is any documentation on it, and not only a signature.
    says: bool,
}

impl Page {
    fn into_piece(self) -> Piece {
        let marks = markdown::marks(&self.text);
        let kind = if self.kind == "module" { "module" } else { "item" };
        let data = json!({ "item": self.name, "item_kind": self.kind });
        Piece { kind, name: Some(self.name), text: self.text, marks, data }
    }
}

/// What a brace that is open belongs to.
enum Scope {
    /// A module, of this name.
    Module(String),
    /// A type or trait: items inside are its own. The page of it, and whether what is inside is public without saying so.
    Type { page: usize, name: String, open: bool },
    /// The body of a function, an expression: nothing in it is documentation.
    Body,
}

struct Reader<'a> {
    text: &'a str,
    module: Vec<String>,
    scopes: Vec<Scope>,
    /// Outer doc comments that wait for their item.
    docs: String,
    pages: Vec<Page>,
    /// Where the page of a name is.
    places: HashMap<String, usize>,
    documented: u64,
    private: u64,
}

impl Reader<'_> {
    fn read(&mut self) {
        let text = self.text;
        let mut lexer = Lexer::new(text);
        while let Some(token) = lexer.next_token() {
            if matches!(self.scopes.last(), Some(Scope::Body)) {
                match token {
                    Token::Open('{') => self.scopes.push(Scope::Body),
                    Token::Close('}') => drop(self.scopes.pop()),
                    _ => {}
                }
                continue;
            }
            match token {
                Token::OuterDoc(line) => {
                    self.docs.push_str(line);
                    self.docs.push('\n');
                }
                Token::InnerDoc(line) => self.inner(line),
                Token::Attribute(words) => {
                    if let Some(doc) = doc_attribute(words) {
                        self.docs.push_str(&doc);
                        self.docs.push('\n');
                    }
                }
                Token::Word(word) => self.item(&mut lexer, word),
                Token::Open('{') => {
                    self.docs.clear();
                    self.scopes.push(Scope::Body);
                }
                Token::Close('}') => {
                    self.docs.clear();
                    self.scopes.pop();
                }
                Token::Open(_) | Token::Close(_) | Token::Other => {}
            }
        }
    }

    /// The path of the innermost module.
    fn path(&self) -> Vec<String> {
        let inner = self.scopes.iter().filter_map(|scope| match scope {
            Scope::Module(name) => Some(name.clone()),
            _ => None,
        });
        self.module.iter().cloned().chain(inner).collect()
    }

    fn qualified(&self, name: &str) -> String {
        let mut path = self.path();
        path.push(name.to_owned());
        path.join("::")
    }

    /// A doc comment about what it stands in.
    fn inner(&mut self, line: &str) {
        let page = if let Some(Scope::Type { page, .. }) = self.scopes.last() {
            *page
        } else {
            {
                let path = self.path().join("::");
                let name = if path.is_empty() { "crate".to_owned() } else { path };
                self.page(&name, "module", "")
            }
        };
        let page = &mut self.pages[page];
        page.says = page.says || !line.trim().is_empty();
        page.text.push_str(line);
        page.text.push('\n');
    }

    /// The page of an item, made where there is none.
    fn page(&mut self, name: &str, kind: &'static str, signature: &str) -> usize {
        if let Some(known) = self.places.get(name) {
            return *known;
        }
        self.places.insert(name.to_owned(), self.pages.len());
        let mut text = format!("# {kind} `{name}`\n\n");
        if !signature.is_empty() {
            let _ = write!(text, "```rust\n{signature}\n```\n\n");
        }
        self.pages.push(Page { name: name.to_owned(), kind, text, says: false });
        self.pages.len() - 1
    }

    /// A word where an item may begin.
    fn item(&mut self, lexer: &mut Lexer<'_>, first: &str) {
        let begin = lexer.at() - first.len();
        let docs = std::mem::take(&mut self.docs);
        let mut word = first;
        let mut public = false;
        while BEFORE.contains(&word) || word == "const" {
            if word == "pub" {
                public = !lexer.skips_parenthesis();
            }
            // `const fn` is a function, `const NAME` is not.
            match lexer.next_token() {
                Some(Token::Word(next)) => {
                    if word == "const" && next != "fn" && !BEFORE.contains(&next) {
                        return self.leaf("constant", next, public, &docs, lexer, begin);
                    }
                    word = next;
                }
                Some(Token::Other) if word == "extern" => {}
                Some(Token::Open('{')) => return self.scopes.push(Scope::Body),
                Some(Token::Close('}')) => return drop(self.scopes.pop()),
                _ => return,
            }
        }
        match word {
            "fn" => self.named("function", public, &docs, lexer, begin),
            "static" => self.named("static", public, &docs, lexer, begin),
            "type" => self.named("type", public, &docs, lexer, begin),
            "struct" | "enum" | "union" | "trait" => self.compound(word, public, &docs, lexer, begin),
            "mod" => self.module(public, &docs, lexer),
            "impl" => self.implementation(lexer),
            "macro_rules" => self.macro_rules(&docs, lexer),
            "use" => lexer.skip_statement(),
            // A field or a variant of the type that is open.
            name if matches!(self.scopes.last(), Some(Scope::Type { .. })) => self.member(name, public, &docs, lexer),
            // A macro's call, or something that is not known.
            _ => {}
        }
    }

    fn named(&mut self, kind: &'static str, public: bool, docs: &str, lexer: &mut Lexer<'_>, begin: usize) {
        if let Some(Token::Word(name)) = lexer.next_token() {
            self.leaf(kind, name, public, docs, lexer, begin);
        }
    }

    /// An item without items of its own.
    fn leaf(&mut self, kind: &'static str, name: &str, public: bool, docs: &str, lexer: &mut Lexer<'_>, begin: usize) {
        let end = lexer.pass_head(kind != "function");
        if lexer.opened_body() {
            self.scopes.push(Scope::Body);
        }
        let inside = self.scopes.iter().rev().find_map(|scope| match scope {
            Scope::Type { page, name, open } => Some((*page, name.clone(), *open)),
            _ => None,
        });
        let documented = !docs.trim().is_empty();
        let seen = public || inside.as_ref().is_some_and(|(_, _, open)| *open);
        if !documented || !seen {
            self.private += u64::from(documented);
            return;
        }
        self.documented += 1;
        let signature = signature(&self.text[begin..end]);
        if let Some((page, owner, _)) = inside {
            let page = &mut self.pages[page];
            page.says = true;
            let _ = write!(page.text, "## `{owner}::{name}`\n\n```rust\n{signature}\n```\n\n{docs}\n");
        } else {
            {
                let name = self.qualified(name);
                let page = self.page(&name, kind, &signature);
                self.pages[page].says = true;
                self.pages[page].text.push_str(docs);
                self.pages[page].text.push('\n');
            }
        }
    }

    fn compound(&mut self, word: &str, public: bool, docs: &str, lexer: &mut Lexer<'_>, begin: usize) {
        let kind = match word {
            "struct" => "struct",
            "enum" => "enum",
            "trait" => "trait",
            _ => "union",
        };
        let Some(Token::Word(name)) = lexer.next_token() else { return };
        let end = lexer.pass_head(false);
        let has_body = lexer.opened_body();
        let documented = !docs.trim().is_empty();
        if !public {
            self.private += u64::from(documented);
            if has_body {
                self.scopes.push(Scope::Body);
            }
            return;
        }
        let qualified = self.qualified(name);
        let page = self.page(&qualified, kind, &signature(&self.text[begin..end]));
        if documented {
            self.documented += 1;
            self.pages[page].says = true;
            self.pages[page].text.push_str(docs);
            self.pages[page].text.push('\n');
        }
        if has_body {
            // Variants and a trait's items are as public as it is; fields say so themselves.
            let open = kind == "enum" || kind == "trait";
            self.scopes.push(Scope::Type { page, name: name.to_owned(), open });
        }
    }

    fn module(&mut self, public: bool, docs: &str, lexer: &mut Lexer<'_>) {
        let Some(Token::Word(name)) = lexer.next_token() else { return };
        let name = name.to_owned();
        let documented = !docs.trim().is_empty();
        if documented && public {
            self.documented += 1;
            let qualified = self.qualified(&name);
            let page = self.page(&qualified, "module", "");
            self.pages[page].says = true;
            self.pages[page].text.push_str(docs);
            self.pages[page].text.push('\n');
        } else {
            self.private += u64::from(documented);
        }
        lexer.pass_head(false);
        if lexer.opened_body() {
            // Tests are no documentation.
            let deep = self.scopes.len() >= MODULES;
            self.scopes.push(if public && !deep { Scope::Module(name) } else { Scope::Body });
        }
    }

    /// Documented items of an `impl` belong to the page of its type; those of a trait's are said at the trait.
    fn implementation(&mut self, lexer: &mut Lexer<'_>) {
        let begin = lexer.at();
        let end = lexer.pass_head(false);
        if !lexer.opened_body() {
            return;
        }
        let header = &self.text[begin..end];
        match implemented(header) {
            Some(name) => {
                let qualified = self.qualified(&name);
                let page = self.page(&qualified, "type", "");
                self.scopes.push(Scope::Type { page, name, open: false });
            }
            None => self.scopes.push(Scope::Body),
        }
    }

    fn macro_rules(&mut self, docs: &str, lexer: &mut Lexer<'_>) {
        // The exclamation mark, then the name.
        let name = match (lexer.next_token(), lexer.next_token()) {
            (Some(Token::Other), Some(Token::Word(name))) => name.to_owned(),
            _ => return,
        };
        if !docs.trim().is_empty() {
            self.documented += 1;
            let page = self.page(&format!("{name}!"), "macro", "");
            self.pages[page].says = true;
            self.pages[page].text.push_str(docs);
            self.pages[page].text.push('\n');
        }
        lexer.pass_head(false);
        if lexer.opened_body() {
            self.scopes.push(Scope::Body);
        }
    }

    fn member(&mut self, name: &str, public: bool, docs: &str, lexer: &mut Lexer<'_>) {
        lexer.skip_member();
        let Some(Scope::Type { page, open, .. }) = self.scopes.last() else { return };
        let (page, seen) = (*page, public || *open);
        if docs.trim().is_empty() {
            return;
        }
        if !seen {
            self.private += 1;
            return;
        }
        self.documented += 1;
        let page = &mut self.pages[page];
        page.says = true;
        let _ = writeln!(page.text, "- `{name}`:");
        for line in docs.lines() {
            let _ = writeln!(page.text, "  {}", line.trim_end());
        }
        page.text.push('\n');
    }
}
