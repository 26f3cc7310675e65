//! What may stand in the header of each phase's files.

use super::super::header::Key;
use super::super::statement;
use super::TransformPhase;

pub(super) const SUMMARY: Key = Key { name: "summary", meaning: "what the transform does, in one line" };
pub(super) const FROM_TABLE: Key =
    Key { name: "from", meaning: "the source table that it reads, e.g. public.documents" };
pub(super) const INTO: Key = Key { name: "into", meaning: "the canonical relation that it feeds, e.g. documents" };
pub(super) const ON: Key = Key { name: "on", meaning: "the canonical relation that it looks at, e.g. documents" };
pub(super) const SEVERITY: Key = Key { name: "severity", meaning: "what its findings mean: warn, reject or error" };
pub(super) const MERGE: Key = Key { name: "merge", meaning: "columns that the winner may take" };
pub(super) const TARGET: Key = Key { name: "target", meaning: "the final table that it writes, e.g. public.documents" };
pub(super) const KEY: Key = Key { name: "key", meaning: "the columns that identify a row of the target" };
pub(super) const FROM_RELATION: Key = Key { name: "from", meaning: "the canonical relation whose rows it promotes" };
pub(super) const INSERT_ONLY: Key = Key { name: "insert_only", meaning: "columns that are never updated" };
pub(super) const NEEDS: Key =
    Key { name: "needs", meaning: "the canonical relation without which it has nothing to do" };
pub(super) const ACTION: Key = Key { name: "action", meaning: "upsert, or delete for rows that are to go" };
pub(super) const VECTOR: Key = Key { name: "vector", meaning: "the column that holds the vectors" };
pub(super) const TEXT: Key =
    Key { name: "text", meaning: "the column that holds the texts that the vectors were made of" };
pub(super) const ON_TABLE: Key = Key { name: "on", meaning: "the final table that it looks at, e.g. public.documents" };

impl TransformPhase {
    /// Words that its SQL may begin with.
    pub(in crate::project) fn first_words(self) -> &'static [&'static str] {
        if self == Self::Index { &statement::INDEX_WORDS } else { &statement::QUERY_WORDS }
    }

    /// The keys that a header of this phase may have.
    pub(in crate::project) fn keys(self) -> &'static [&'static Key] {
        match self {
            Self::Normalise => &[&SUMMARY, &FROM_TABLE, &INTO],
            Self::Check => &[&SUMMARY, &ON, &SEVERITY],
            Self::Embed => &[&SUMMARY, &ON, &SEVERITY, &VECTOR, &TEXT],
            Self::Dedup => &[&SUMMARY, &ON, &MERGE],
            Self::Promote => &[&SUMMARY, &TARGET, &KEY, &FROM_RELATION, &INSERT_ONLY, &NEEDS, &ACTION],
            Self::Index => &[&SUMMARY, &ON_TABLE],
            Self::Validate => &[&SUMMARY, &ON_TABLE, &SEVERITY],
            Self::Search => &[&SUMMARY, &ON_TABLE, &VECTOR, &TEXT],
        }
    }
}
