//! What the words before an item's body say.

/// Bytes of a signature that are kept.
const SIGNATURE_BYTES: usize = 4000;

/// The text of `doc = "…"`.
pub(super) fn doc_attribute(words: &str) -> Option<String> {
    let value = words.trim().strip_prefix("doc")?.trim_start().strip_prefix('=')?.trim();
    let value = value.strip_prefix('"')?.strip_suffix('"')?;
    Some(value.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// The type that an `impl` without a trait is of.
pub(super) fn implemented(header: &str) -> Option<String> {
    let mut depth = 0_i64;
    let mut plain = String::new();
    let mut before = ' ';
    for letter in header.chars() {
        match letter {
            '<' => depth += 1,
            // The end of `->` closes nothing.
            '>' if before != '-' => depth -= 1,
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
        before = letter;
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    let words = words.split(|word| *word == "where").next().unwrap_or_default();
    if words.contains(&"for") {
        return None;
    }
    let name = words.last()?.rsplit("::").next()?.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    (!name.is_empty()).then(|| name.to_owned())
}

/// A signature on as many lines as it had, without what follows it.
pub(super) fn signature(text: &str) -> String {
    let mut end = text.len().min(SIGNATURE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim().trim_end_matches(['{', ';', '=']).trim_end().to_owned()
}
