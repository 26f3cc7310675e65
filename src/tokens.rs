//! Tokens: how long a text is for an embedding model.
//!
//! A tokenizer's table takes a tenth of a second to load and stays for the life of the process; it is loaded when it is first
//! asked for.

use std::fmt;

use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton, p50k_base_singleton, r50k_base_singleton};

/// Bytes that are given to the tokenizer at once. Its regular expressions count their steps back and give up at a million
/// (fancy-regex, `backtrack_limit`), which a text of nothing but blanks reaches; and their answer to that is a panic.
const SLICE: usize = 64 * 1024;

/// The tokenizers that there are, by the names that `OpenAI` gave them.
pub const TOKENIZERS: [&str; 4] = ["cl100k_base", "o200k_base", "p50k_base", "r50k_base"];

/// The tokenizer of `text-embedding-3-large`, and of all `OpenAI` embedding models since.
pub const DEFAULT_TOKENIZER: &str = "cl100k_base";

/// A way of cutting texts into tokens.
#[derive(Clone, Copy)]
pub struct Tokenizer {
    name: &'static str,
    table: fn() -> &'static CoreBPE,
}

/// There is no such tokenizer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no tokenizer {0:?}")]
pub struct UnknownTokenizer(pub String);

impl UnknownTokenizer {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(format!("the tokenizers are {}", TOKENIZERS.join(", ")))
    }
}

impl Tokenizer {
    /// The tokenizer of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self, UnknownTokenizer> {
        let table: fn() -> &'static CoreBPE = match name {
            "cl100k_base" => cl100k_base_singleton,
            "o200k_base" => o200k_base_singleton,
            "p50k_base" => p50k_base_singleton,
            "r50k_base" => r50k_base_singleton,
            _ => return Err(UnknownTokenizer(name.to_owned())),
        };
        let name = TOKENIZERS.into_iter().find(|known| *known == name).unwrap_or(DEFAULT_TOKENIZER);
        Ok(Self { name, table })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Tokens of a text. What looks like a special token (`<|endoftext|>`) is text, as it is for an embedding model.
    ///
    /// A run of more than 64 KiB without a blank between words may count a few tokens too many, never too few to matter.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        slices(text).map(|slice| (self.table)().encode_ordinary(slice).len()).sum()
    }

    /// Whether a text has at most so many tokens; a text that is far too long is not read to its end.
    #[must_use]
    pub fn fits(&self, text: &str, most: usize) -> bool {
        let mut left = most;
        slices(text).all(|slice| {
            let tokens = (self.table)().encode_ordinary(slice).len();
            let fits = tokens <= left;
            left = left.saturating_sub(tokens);
            fits
        })
    }

    /// The longest beginning of a text, in whole characters, that [`Self::count`] finds to have at most so many tokens (or
    /// nearly: a beginning that would have fitted may be a few tokens shorter, never longer). The same text gives the same.
    #[must_use]
    pub fn prefix<'a>(&self, text: &'a str, most: usize) -> &'a str {
        let mut end = self.cut(text, most);
        // A beginning may take more tokens than it took as part of the whole.
        let mut aim = most;
        while end > 0 && !self.fits(&text[..end], most) {
            aim = aim.saturating_sub(1);
            end = self.cut(text, aim).min(text[..end].char_indices().next_back().map_or(0, |(at, _)| at));
        }
        &text[..end]
    }

    /// Where the first `most` tokens of a text end, moved back to a whole character.
    fn cut(&self, text: &str, most: usize) -> usize {
        let (mut end, mut left) = (0, most);
        for slice in slices(text) {
            let tokens = (self.table)().encode_ordinary(slice);
            if tokens.len() > left {
                end += tokens[..left].iter().map(|token| self.bytes(*token)).sum::<usize>();
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                return end;
            }
            left -= tokens.len();
            end += slice.len();
        }
        end
    }

    /// Bytes of a token.
    fn bytes(&self, token: u32) -> usize {
        (self.table)().decode_bytes(&[token]).map_or(0, |bytes| bytes.len())
    }
}

impl Default for Tokenizer {
    /// [`DEFAULT_TOKENIZER`].
    fn default() -> Self {
        Self { name: DEFAULT_TOKENIZER, table: cl100k_base_singleton }
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokenizer({})", self.name)
    }
}

/// A text in slices that together have as many tokens as the whole: each ends where every tokenizer ends a piece, between a
/// letter and a blank; only where there is no such place, anywhere.
fn slices(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (slice, left) = rest.split_at(slice_end(rest));
        rest = left;
        Some(slice)
    })
}

fn slice_end(text: &str) -> usize {
    if text.len() <= SLICE {
        return text.len();
    }
    let end = (0..=SLICE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let mut after = ' ';
    for (at, character) in text[..end].char_indices().rev() {
        if after == ' ' && character.is_ascii_lowercase() && text[at + 1..].starts_with(' ') {
            return at + 1;
        }
        after = character;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        Tokenizer::named(DEFAULT_TOKENIZER).unwrap()
    }

    #[test]
    fn known_texts_have_their_known_lengths() {
        // OpenAI's cookbook, "How to count tokens with tiktoken".
        for (name, text, tokens) in [
            ("cl100k_base", "antidisestablishmentarianism", 6),
            ("cl100k_base", "2 + 2 = 4", 7),
            ("cl100k_base", "お誕生日おめでとう", 9),
            ("o200k_base", "お誕生日おめでとう", 8),
            ("r50k_base", "antidisestablishmentarianism", 5),
        ] {
            assert_eq!(Tokenizer::named(name).unwrap().count(text), tokens, "{name}: {text}");
        }
        assert_eq!(tokenizer().count(""), 0);
    }

    #[test]
    fn slices_do_not_change_the_count() {
        let text = "The quick brown fox, born in 1984, doesn't jump;\n\n  it runs.\t".repeat(4000);
        let whole = cl100k_base_singleton().encode_ordinary(&text).len();
        assert_eq!(tokenizer().count(&text), whole);
        assert!(tokenizer().fits(&text, whole) && !tokenizer().fits(&text, whole - 1));
    }

    #[test]
    fn a_text_of_nothing_but_blanks_is_counted() {
        for text in [" ".repeat(3_000_000), "\n".repeat(3_000_000), "a".repeat(300_000), "é".repeat(200_000)] {
            assert!(tokenizer().count(&text) > 0);
        }
    }

    #[test]
    fn a_prefix_fits_and_is_nearly_as_long_as_it_may_be() {
        let text = "Grüße, 世界! 👩‍👩‍👧‍👦 and   blanks \n\n doesn't".repeat(50);
        let tokenizer = tokenizer();
        for most in (0..300).chain([5000]) {
            let prefix = tokenizer.prefix(&text, most);
            assert!(text.starts_with(prefix));
            let count = tokenizer.count(prefix);
            assert!(count <= most, "{most}: {count}");
            assert!(count + 8 >= most.min(tokenizer.count(&text)), "{most}: {count}");
        }
    }

    #[test]
    fn an_unknown_tokenizer_is_named() {
        let error = Tokenizer::named("gpt-9").unwrap_err();
        assert_eq!(error.to_string(), r#"there is no tokenizer "gpt-9""#);
        assert!(error.hint().unwrap().contains("cl100k_base"));
    }
}
