//! Which files of an archive are left out: those that a walk of the same files in a folder leaves out.

use std::collections::HashMap;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Files of rules, the stronger first.
const NAMES: [&str; 2] = [".ignore", ".gitignore"];

/// Bytes that such files of one archive may have together: rules are compiled, which takes more memory than they do.
pub(super) const MOST_BYTES: u64 = 1 << 20;

/// Whether a file of this name holds rules.
pub(super) fn holds_rules(name: &str) -> bool {
    NAMES.contains(&name.rsplit('/').next().unwrap_or(name))
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is read.
    Read,
    /// It is left out: by a rule, or for a name that begins with a dot.
    LeftOut,
    /// It is git's own, and no part of the tree.
    Git,
}

/// The rules of an archive.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// By folder, which is empty for the top; those of `.ignore`, those of `.gitignore`.
    of: HashMap<String, [Option<Gitignore>; 2]>,
}

impl Rules {
    /// Adds a file of rules. A second one of the same name is not heeded, nor is a line that is no rule.
    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) {
        let (folder, own) = name.rsplit_once('/').unwrap_or(("", name));
        let Some(kind) = NAMES.iter().position(|known| *known == own) else { return };
        let mut rules = GitignoreBuilder::new(".");
        for line in String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').lines() {
            // As in a folder, where such a line is passed over, too.
            drop(rules.add_line(None, line));
        }
        if let (Some(place), Ok(rules)) = (self.of.entry(folder.to_owned()).or_default().get_mut(kind), rules.build()) {
            place.get_or_insert(rules);
        }
    }

    /// What becomes of a file, by its name and those of the folders that it is in.
    pub(super) fn fate(&self, name: &str) -> Fate {
        let ends = memchr::memchr_iter(b'/', name.as_bytes()).map(|end| (end, true));
        for (end, is_folder) in ends.chain(std::iter::once((name.len(), false))) {
            let path = &name[..end];
            let own = path.rsplit('/').next().unwrap_or(path);
            if own == ".git" {
                return Fate::Git;
            }
            if self.matched(path, is_folder).unwrap_or_else(|| own.starts_with('.')) {
                return Fate::LeftOut;
            }
        }
        Fate::Read
    }

    /// Whether the rules leave out a file or folder; `None` where they say nothing of it. The nearest folder's word
    /// counts.
    fn matched(&self, path: &str, is_folder: bool) -> Option<bool> {
        if self.of.is_empty() {
            return None;
        }
        (0..NAMES.len()).find_map(|kind| {
            let mut folder = path;
            while !folder.is_empty() {
                folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
                let Some(rules) = self.of.get(folder).and_then(|own| own.get(kind)?.as_ref()) else { continue };
                let inside = path[folder.len()..].trim_start_matches('/');
                match rules.matched(Path::new(inside), is_folder) {
                    Match::Ignore(_) => return Some(true),
                    Match::Whitelist(_) => return Some(false),
                    Match::None => {}
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rule_counts_and_a_folder_that_is_left_out_takes_all_with_it() {
        let mut rules = Rules::default();
        rules.add(".gitignore", b"\xef\xbb\xbf*.tmp\n!keep.tmp\nbuild/\n/top.md\n[\n!.shown\n");
        rules.add("a/.gitignore", b"!x.tmp\nkeep.tmp\n");
        rules.add("a/.gitignore", b"*.md\n");
        rules.add("b/.ignore", b"draft.md\n!y.tmp\n");
        rules.add("b/.gitignore", b"!draft.md\ny.tmp\n");
        for (name, fate) in [
            ("x.md", Fate::Read),
            ("x.tmp", Fate::LeftOut),
            ("keep.tmp", Fate::Read),
            ("a/x.tmp", Fate::Read),
            ("a/keep.tmp", Fate::LeftOut),
            ("a/x.md", Fate::Read),
            ("a/c/x.tmp", Fate::Read),
            ("b/draft.md", Fate::LeftOut),
            ("b/y.tmp", Fate::Read),
            ("top.md", Fate::LeftOut),
            ("a/top.md", Fate::Read),
            ("build", Fate::Read),
            ("build/keep.tmp", Fate::LeftOut),
            ("a/build/x.md", Fate::LeftOut),
            (".shown", Fate::Read),
            (".hidden", Fate::LeftOut),
            (".github/x.md", Fate::LeftOut),
            (".gitignore", Fate::LeftOut),
            (".git/config", Fate::Git),
            ("a/.git/config", Fate::Git),
        ] {
            assert_eq!(rules.fate(name), fate, "{name}");
        }
        assert_eq!(Rules::default().fate("a/x.tmp"), Fate::Read);
        assert!(holds_rules("a/.ignore") && holds_rules(".gitignore") && !holds_rules("a/b.ignore"));
    }
}
