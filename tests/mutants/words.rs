//! Which tests are about a function: those that share rare words with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::listed::Mutant;

/// The words of each test, and in how many tests each word is.
pub struct Words {
    of_tests: BTreeMap<String, BTreeSet<String>>,
    tests_with: BTreeMap<String, u32>,
}

impl Words {
    /// Reads the integration tests of a tree. A test goes by the name of its function.
    pub fn read(tree: &Path) -> Self {
        let mut of_tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut folders = vec![tree.join("tests/it")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(text) = fs::read_to_string(&path) {
                    for part in text.split("test]\n").skip(1) {
                        let name = part.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                        let body = part.split("\n}\n").next().unwrap_or_default();
                        if let Some((name, _)) = name {
                            of_tests.insert(name.to_owned(), words(body).collect());
                        }
                    }
                }
            }
        }
        let mut tests_with: BTreeMap<String, u32> = BTreeMap::new();
        for word in of_tests.values().flatten() {
            *tests_with.entry(word.clone()).or_default() += 1;
        }
        Self { of_tests, tests_with }
    }

    /// How much a test has in common with a mutant, whose file is `source`.
    pub fn in_common(&self, test: &str, mutant: &Mutant, source: &str) -> f64 {
        let name = test.rsplit("::").next().unwrap_or(test);
        let Some(known) = self.of_tests.get(name) else { return 0.0 };
        let all = f64::from(u32::try_from(self.of_tests.len()).unwrap_or(u32::MAX));
        let rarity = |word: &String| self.tests_with.get(word).map_or(0.0, |tests| (all / f64::from(*tests)).ln());
        let shared = |text: &str| -> f64 {
            let unique: BTreeSet<String> = words(text).collect();
            unique.iter().filter(|word| known.contains(*word)).map(rarity).sum()
        };
        let function = mutant.function.as_ref();
        let title = format!("{} {}", mutant.file, function.map_or("", |function| &function.name));
        let body = function.map_or("", |function| &source[function.span.bytes(source)]);
        // A long test has many words by chance.
        let length = f64::from(u32::try_from(known.len()).unwrap_or(u32::MAX)).sqrt();
        (4.0 * shared(&title) + 2.0 * shared(&source[mutant.span.bytes(source)]) + shared(body)) / length
    }
}

/// Words of four letters and more, without the `s` of a plural.
fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| word.len() > 3);
    parts.map(|word| word.to_ascii_lowercase().trim_end_matches('s').to_owned())
}
