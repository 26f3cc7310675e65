//! rustdoc's pages in HTML: what of them the crate says, and what is on every page of every crate.

use scraper::Html;
use scraper::node::Element;

/// Lists that the compiler fills for each type, the same for nearly all: traits that it has by itself, or as every type has them. They are
/// longer than what most types say.
const LISTS: [&str; 4] = [
    "synthetic-implementations",
    "synthetic-implementations-list",
    "blanket-implementations",
    "blanket-implementations-list",
];

/// Pages that are about rustdoc or hold source: help, settings, the list of all items; `source` until Rust 1.75.
const OTHER_PAGES: [&str; 3] = ["sys", "src", "source"];

/// Whether an element of a page is not the crate's: links to source, signs to click on, and those lists.
pub(super) fn leaves_out(element: &Element) -> bool {
    let is_link = element.name() == "a" && element.classes().any(|class| class == "src" || class == "anchor");
    is_link || element.classes().any(|class| class == "hideme") || element.id().is_some_and(|id| LISTS.contains(&id))
}

/// Whether it is a page of rustdoc's that is about no item.
pub(super) fn is_about_no_item(html: &Html) -> bool {
    let elements = html.root_element().child_elements();
    let body = elements.map(|element| element.value()).find(|element| element.name() == "body");
    body.is_some_and(|body| {
        body.classes().any(|class| class == "rustdoc") && body.classes().any(|class| OTHER_PAGES.contains(&class))
    })
}
