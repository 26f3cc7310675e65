//! The faults that can be planted, what is expected to find each, and which rows they went to.

use std::str::FromStr;

use serde::Serialize;

use super::Shape;

/// What the report calls the phase that found a fault which no file of `transforms/check` is about.
const CAST: &str = "cast";
const DECODE: &str = "decode";

/// What becomes of a row with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Not promoted, and named with the reason.
    Quarantined,
    /// Not promoted: another row of the same key is.
    Merged,
    /// Promoted, and named in a warning.
    Reported,
}

/// Where a planted fault lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    /// Only in a dump of the doc-server's shape.
    DocsDocument,
    Source,
    /// Only in a dump of the doc-server's shape.
    DocsSource,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident $name:literal $place:ident $check:ident $fate:ident;)*) => {
        /// One kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $fault,)* }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$fault,)*];

            /// The kind's name, as the command line and the index write it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$fault => $name,)* }
            }

            /// The check, or the phase, that is expected to find it.
            #[must_use]
            pub fn check(self) -> &'static str {
                match self { $(Self::$fault => check_name!($check),)* }
            }

            /// What is expected to become of the row.
            #[must_use]
            pub fn fate(self) -> Fate {
                match self { $(Self::$fault => Fate::$fate,)* }
            }

            fn place(self) -> Place {
                match self { $(Self::$fault => Place::$place,)* }
            }
        }
    };
}

macro_rules! check_name {
    (CAST) => {
        CAST
    };
    (DECODE) => {
        DECODE
    };
    ($check:ident) => {
        stringify!($check)
    };
}

faults! {
    /// A document whose content is NULL or whose path is blank.
    FieldMissing "field_missing" Document required_fields Quarantined;
    /// Content of white space only.
    ContentEmpty "content_empty" Document content_empty Quarantined;
    /// Metadata that is an array, a string, a number or NULL.
    MetadataNotObject "metadata_not_object" DocsDocument metadata_not_object Quarantined;
    /// Metadata without a field that the type needs.
    MetadataFieldMissing "metadata_field_missing" DocsDocument metadata_fields_missing Quarantined;
    /// Metadata that is not JSON.
    MetadataMalformed "metadata_malformed" DocsDocument CAST Quarantined;
    /// An id that is not a UUID.
    IdMalformed "id_malformed" DocsDocument CAST Quarantined;
    /// A token count that is not a number.
    TokenCountMalformed "token_count_malformed" DocsDocument CAST Quarantined;
    /// A time that does not exist.
    TimestampMalformed "timestamp_malformed" DocsDocument CAST Quarantined;
    /// A type that nobody knows.
    DocTypeUnknown "doc_type_unknown" DocsDocument doc_type_unknown Quarantined;
    /// A document of a source that is not in the dump.
    SourceMissing "source_missing" Document source_missing Quarantined;
    /// Created after it was updated.
    TimestampsOrder "timestamps_order" DocsDocument timestamps_order Quarantined;
    /// A token count that the content cannot have.
    TokenCountImplausible "token_count_implausible" Document token_count_implausible Quarantined;
    /// The id of an earlier document.
    IdDuplicate "id_duplicate" DocsDocument id_duplicate Quarantined;
    /// The key of an earlier document: one newer that lacks things, or one older that has a metadata key more.
    KeyDuplicate "key_duplicate" Document documents_same_key Merged;
    /// The content of an earlier document under a path of its own.
    ContentRepeated "content_repeated" Document content_repeated Reported;
    /// No embedding.
    EmbeddingMissing "embedding_missing" Document embedding_missing Reported;
    /// An embedding of half the dimensions.
    EmbeddingDimensions "embedding_dimensions" Document embedding_dimensions Quarantined;
    /// An embedding of zeros.
    EmbeddingZero "embedding_zero" Document embedding_zero Quarantined;
    /// An embedding with a NaN or an infinity; no PostgreSQL could have written it.
    EmbeddingNotFinite "embedding_not_finite" Document DECODE Quarantined;
    /// An embedding that is cut off; no PostgreSQL could have written it.
    EmbeddingSyntax "embedding_syntax" Document DECODE Quarantined;
    /// A row with a column too many; no PostgreSQL could have written it.
    ColumnCount "column_count" Document DECODE Quarantined;
    /// A row with bytes that are not UTF-8; no PostgreSQL could have written it.
    NotUtf8 "not_utf8" Document DECODE Quarantined;
    /// A source without a name.
    SourceFieldMissing "source_field_missing" DocsSource source_required_fields Quarantined;
    /// A source of a type that nobody knows.
    SourceTypeUnknown "source_type_unknown" DocsSource source_type_unknown Quarantined;
    /// A source with the id of another.
    SourceIdDuplicate "source_id_duplicate" DocsSource source_id_duplicate Quarantined;
    /// A source created after it was updated.
    SourceTimestampsOrder "source_timestamps_order" DocsSource source_timestamps_order Quarantined;
    /// A source whose totals are not those of its documents.
    SourceTotalsDiffer "source_totals_differ" Source source_totals_differ Reported;
    /// An older row for a source.
    SourceKeyDuplicate "source_key_duplicate" Source document_sources_same_key Merged;
}

impl Fault {
    /// Whether PostgreSQL could have held the row, if its constraints had let it.
    #[must_use]
    pub fn storable(self) -> bool {
        !matches!(self, Self::EmbeddingNotFinite | Self::EmbeddingSyntax | Self::ColumnCount | Self::NotUtf8)
    }

    /// Whether dumps of this shape can have the fault.
    #[must_use]
    pub fn fits(self, shape: Shape) -> bool {
        match (shape, self.place()) {
            (Shape::Docs, _) | (Shape::Crates, Place::Document | Place::Source) => true,
            (Shape::Crates | Shape::Narrow, _) => false,
        }
    }

    /// Whether it lies in a source rather than in a document.
    pub(super) fn on_source(self) -> bool {
        matches!(self.place(), Place::Source | Place::DocsSource)
    }

    /// Whether it is made from an earlier, clean document.
    pub(super) fn needs_original(self) -> bool {
        matches!(self, Self::IdDuplicate | Self::KeyDuplicate | Self::ContentRepeated)
    }

    /// A check that also finds the fault, as its consequence.
    pub(super) fn follows(self) -> Option<&'static str> {
        match self {
            Self::IdMalformed => Some("required_fields"),
            Self::MetadataMalformed => Some("metadata_not_object"),
            _ => None,
        }
    }
}

/// How many rows get a fault: `content_empty=0.5%`, `all=1%`, `storable=1%`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultShare {
    /// The kinds it is about.
    pub faults: Vec<Fault>,
    /// Share of the rows, for each kind, in millionths; at least one row where it is not 0.
    pub per_million: u64,
}

impl FaultShare {
    /// How many of `rows` rows get each of the faults.
    pub(super) fn of(&self, rows: u64) -> u64 {
        if self.per_million == 0 {
            0
        } else {
            (u128::from(rows) * u128::from(self.per_million) / 1_000_000).try_into().unwrap_or(rows).max(1)
        }
    }
}

/// Why a text is no share of faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a share of faults: write KIND=PERCENT%, where KIND is all, storable or one of {kinds}", kinds = kinds())]
pub struct ShareError(String);

fn kinds() -> String {
    Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for FaultShare {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let error = || ShareError(text.to_owned());
        let (kind, share) = text.split_once('=').ok_or_else(error)?;
        let faults: Vec<Fault> = match kind {
            "all" => Fault::ALL.to_vec(),
            "storable" => Fault::ALL.iter().copied().filter(|fault| fault.storable()).collect(),
            _ => Fault::ALL.iter().copied().filter(|fault| fault.name() == kind).collect(),
        };
        let (whole, part) =
            share.strip_suffix('%').and_then(|share| share.split_once('.').or(Some((share, "")))).ok_or_else(error)?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if faults.is_empty() || whole.is_empty() || part.len() > 4 || !digits(whole) || !digits(part) {
            return Err(error());
        }
        let per_million = format!("{whole}{part:0<4}").parse().ok().filter(|&share| share <= 1_000_000);
        Ok(Self { faults, per_million: per_million.ok_or_else(error)? })
    }
}

/// One fault in a dump, and what is expected to find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlantedFault {
    /// The table, as the dump names it.
    pub table: &'static str,
    /// Ordinal of the row in its table, from 1.
    pub row: u64,
    /// The kind of fault.
    pub fault: &'static str,
    /// The check, or the phase, that is expected to find it.
    pub check: &'static str,
    /// What is expected to become of the row.
    pub fate: Fate,
    /// The row that is promoted in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner_row: Option<u64>,
    /// Whether the finding is only a consequence of another on the same row, so that it may be left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub follows: bool,
}

/// One row by which a newer dump differs from the one without `newer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlantedChange {
    /// The table, as the dump names it.
    pub table: &'static str,
    /// Ordinal of the row in its table, from 1.
    pub row: u64,
    /// `changed` or `added`.
    pub change: &'static str,
}

/// How many rows a table has in the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRows {
    /// The table, as the dump names it.
    pub table: &'static str,
    /// Its rows, those that no reader can decode included.
    pub rows: u64,
}

/// What a dump holds besides clean rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planted {
    /// Number of the index's format; rises when it changes.
    pub format: u32,
    /// The seed of the dump.
    pub seed: u64,
    /// The tables, in the dump's order.
    pub tables: Vec<TableRows>,
    /// Every planted fault, by table and row.
    pub faults: Vec<PlantedFault>,
    /// Every row that a newer dump changed or added.
    pub changes: Vec<PlantedChange>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_exactly() {
        let share: FaultShare = "content_empty=0.5%".parse().unwrap();
        assert_eq!((share.faults.as_slice(), share.per_million), (&[Fault::ContentEmpty][..], 5000));
        assert_eq!("all=100%".parse::<FaultShare>().unwrap().of(4600), 4600);
        assert_eq!("all=0.0001%".parse::<FaultShare>().unwrap().of(10), 1);
        assert_eq!("all=0%".parse::<FaultShare>().unwrap().of(10), 0);
        for text in ["", "all", "all=1", "all=%", "all=101%", "none=1%", "all=1.00001%", "all=-1%"] {
            assert!(text.parse::<FaultShare>().is_err(), "{text}");
        }
    }
    /// The index names checks; a check that is renamed, removed or added without a fault must not go unnoticed.
    #[test]
    fn every_check_has_a_fault_and_every_fault_a_check() {
        let transforms = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("transforms");
        let mut checks: Vec<String> = Vec::new();
        for folder in ["check", "dedup", "embed"] {
            for file in std::fs::read_dir(transforms.join(folder)).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                checks
                    .push(name.trim_start_matches(|c: char| c.is_ascii_digit()).trim_matches('_').replace(".sql", ""));
            }
        }
        for fault in Fault::ALL {
            let check = fault.check();
            assert!([CAST, DECODE].contains(&check) || checks.iter().any(|name| name == check), "{check}");
        }
        // What changes on the way into staging cannot be planted in a dump; nor are documents generated that no model
        // takes, or that have pictures.
        checks.retain(|name| !["token_limit", "images_left_out"].contains(&name.as_str()) && !name.starts_with("file"));
        checks.retain(|name| !name.ends_with("_checksum") && Fault::ALL.iter().all(|fault| fault.check() != name));
        assert_eq!(checks, Vec::<String>::new());
    }
}
