//! The outline (bookmarks) of a PDF: its headings, each with the page that it leads to.

use std::collections::{HashMap, HashSet};

use hayro_interpret::hayro_syntax::Pdf as Document;
use hayro_interpret::hayro_syntax::object::{Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, String as Text};

use super::string;
use crate::formats::pieces::Mark;

/// Entries and named destinations that are looked at; a book has some thousands.
const MOST: usize = 100_000;

/// Levels that are told apart; what is deeper is of the last.
const DEEPEST: u8 = 12;

/// An entry that leads to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub level: u8,
    pub title: String,
    /// From 0.
    pub page: usize,
}

impl Entry {
    pub fn mark(&self, at: usize) -> Mark {
        Mark { at, level: self.level, text: self.title.clone() }
    }
}

/// The letters of a title: what a line of the page and an entry of the outline have in common, whatever numbers and spaces
/// one of them has.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

/// The entries in their order; none where there is no outline or it is damaged.
pub(super) fn read(document: &Document) -> Vec<Entry> {
    let xref = document.xref();
    let Some(catalog) = xref.get::<Dict<'_>>(xref.root_id()) else { return Vec::new() };
    let Some(outlines) = catalog.get::<Dict<'_>>("Outlines") else { return Vec::new() };
    let pages = document.pages().iter().enumerate();
    let pages: HashMap<ObjectIdentifier, usize> =
        pages.filter_map(|(index, page)| Some((page.raw().obj_id()?, index))).collect();
    let named = named(&catalog);
    let mut entries = Vec::new();
    let (mut met, mut open) = (HashSet::new(), vec![(outlines.get_ref("First"), 1)]);
    while let Some((next, level)) = open.pop() {
        let Some(next) = next else { continue };
        // An outline that leads back into itself ends where it was.
        if !met.insert((next.obj_number, next.gen_number)) || met.len() > MOST {
            continue;
        }
        let Some(item) = xref.get::<Dict<'_>>(next.into()) else { continue };
        open.push((item.get_ref("Next"), level));
        open.push((item.get_ref("First"), (level + 1).min(DEEPEST)));
        let title = item.get::<Text<'_>>("Title").map(|title| string::text(title.as_bytes())).unwrap_or_default();
        let page = destination(&item).and_then(|object| resolve(object, &named)).and_then(|page| pages.get(&page));
        if let (Some(page), false) = (page, title.is_empty()) {
            entries.push(Entry { level, title, page: *page });
        }
    }
    entries
}

/// Where an entry leads: by itself or by an action.
fn destination<'a>(item: &Dict<'a>) -> Option<Object<'a>> {
    item.get::<Object<'_>>("Dest").or_else(|| item.get::<Dict<'_>>("A")?.get::<Object<'_>>("D"))
}

/// The page of a destination: the first of an array, or what a name stands for.
fn resolve(object: Object<'_>, named: &HashMap<Vec<u8>, ObjectIdentifier>) -> Option<ObjectIdentifier> {
    match object {
        Object::Array(array) => first(&array),
        Object::Dict(dict) => first(&dict.get::<Array<'_>>("D")?),
        Object::String(name) => named.get(name.as_bytes()).copied(),
        Object::Name(name) => named.get(name.as_ref()).copied(),
        _ => None,
    }
}

fn first(array: &Array<'_>) -> Option<ObjectIdentifier> {
    match array.raw_iter().next()? {
        MaybeRef::Ref(page) => Some(page.into()),
        MaybeRef::NotRef(_) => None,
    }
}

/// Names of destinations: a tree under `Names` since PDF 1.2, a dictionary before.
fn named(catalog: &Dict<'_>) -> HashMap<Vec<u8>, ObjectIdentifier> {
    let mut named = HashMap::new();
    let none = HashMap::new();
    let mut keep = |name: &[u8], to: Object<'_>| {
        if let Some(page) = resolve(to, &none) {
            named.insert(name.to_vec(), page);
        }
    };
    if let Some(dests) = catalog.get::<Dict<'_>>("Dests") {
        let keys: Vec<Name<'_>> = dests.keys().take(MOST).collect();
        for name in keys {
            if let Some(to) = dests.get::<Object<'_>>(name.as_ref()) {
                keep(name.as_ref(), to);
            }
        }
    }
    let root = catalog.get::<Dict<'_>>("Names").and_then(|names| names.get::<Dict<'_>>("Dests"));
    let (mut open, mut left): (Vec<Dict<'_>>, usize) = (root.into_iter().collect(), MOST);
    while let Some(node) = open.pop() {
        if let Some(kids) = node.get::<Array<'_>>("Kids") {
            open.extend(kids.iter::<Dict<'_>>().take(left.saturating_sub(open.len())));
        }
        if let Some(pairs) = node.get::<Array<'_>>("Names") {
            let mut pairs = pairs.iter::<Object<'_>>().take(left);
            while let (Some(name), Some(to)) = (pairs.next(), pairs.next()) {
                if let Object::String(name) = name {
                    keep(name.as_bytes(), to);
                }
                left = left.saturating_sub(1);
            }
        }
        left = left.saturating_sub(1);
        if left == 0 {
            break;
        }
    }
    named
}
