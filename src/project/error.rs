//! What can be wrong with a project.

use std::fmt;

use crate::template::TemplateError;

use super::statement::StatementProblem;

/// Something wrong with a project: where, and what.
#[derive(Debug, thiserror::Error)]
#[error("{}{kind}", place(.file, *.line))]
pub struct ProjectError {
    /// Path inside the project, or the project's folder.
    pub file: String,
    /// Line of the file, from 1, where there is one.
    pub line: Option<usize>,
    /// What is wrong.
    pub kind: Box<ProjectErrorKind>,
}

/// What is wrong with a file of a project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectErrorKind {
    /// A file or folder could not be read.
    #[error("cannot be read: {0}")]
    Io(std::io::Error),
    /// A file is not UTF-8.
    #[error("is not UTF-8: the first bad byte is at offset {0}")]
    NotUtf8(usize),
    /// The folder has no settings file.
    #[error("is no project: there is no sqlmig.toml in it")]
    NoSettings,
    /// The project says its settings twice.
    #[error("the settings are in sqlmig.toml already")]
    TwoSettings,
    /// The folder holds neither a migration nor a transform.
    #[error("is an empty project: it has neither migrations nor transforms")]
    Empty,
    /// The settings or an example cannot be understood.
    #[error("{0}")]
    Toml(String),
    /// A file that nothing would read.
    #[error("is not part of a project, so nothing would read it")]
    Stray {
        /// What would be understood in its place.
        expected: String,
    },
    /// A migration's file name has another form.
    #[error("is not named like a migration: V<number>__<name>.sql, for example V1__documents.sql")]
    MisnamedMigration,
    /// Two migrations have one version.
    #[error("has version {version}, and so has {other}")]
    SameVersion {
        /// The version.
        version: i32,
        /// The file that has it too.
        other: String,
    },
    /// A transform's file name has another form.
    #[error("is not named like a transform: name.sql or 010_name.sql, the name of a-z, 0-9 and _")]
    MisnamedTransform,
    /// Two transforms of a phase have one name.
    #[error("is called {name}, and so is {other}")]
    SameName {
        /// The name.
        name: String,
        /// The file that has it too.
        other: String,
    },
    /// The name is one that sqlmig uses itself.
    #[error("is called {0}, which is what sqlmig calls its own check")]
    ReservedName(String),
    /// A transform without a header.
    #[error("has no header: its first line is not of the form --! key: value")]
    NoHeader,
    /// A header line without a key and a value.
    #[error("{0:?} is not of the form --! key: value")]
    HeaderLine(String),
    /// A header line below the header.
    #[error("a header line after the SQL began")]
    LateHeader,
    /// A key that the phase does not have.
    #[error("{phase} has no key {key:?}; it has {known}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The phase.
        phase: String,
        /// The keys that there are.
        known: String,
        /// The known key that it is most like.
        closest: Option<String>,
    },
    /// A key that the phase needs.
    #[error("the header lacks {key:?} ({meaning})")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// What it is for.
        meaning: &'static str,
    },
    /// A key given twice.
    #[error("{key:?} is given a second time; line {first} has it already")]
    SameKey {
        /// The key.
        key: String,
        /// Line of its first use.
        first: usize,
    },
    /// A value that its key cannot have.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// Why not.
        reason: String,
    },
    /// The SQL is not one SELECT.
    #[error("{0}")]
    Statement(StatementProblem),
    /// The template cannot be understood.
    #[error("{}", .0.message)]
    Template(TemplateError),
    /// Two normalise transforms go the same way.
    #[error("{from} goes into {into} already, by {other}: each of its rows would be there twice")]
    SameWay {
        /// The source table.
        from: String,
        /// The relation.
        into: String,
        /// The file that does it too.
        other: String,
    },
    /// Two embed transforms name rows of one relation.
    #[error("{other} says already which rows of {relation} want a vector")]
    TwoVectors {
        /// The relation.
        relation: String,
        /// The file that does it too.
        other: String,
    },
    /// A relation that no normalise transform feeds.
    #[error("no normalise transform feeds a relation {relation:?}; there is {known}")]
    UnknownRelation {
        /// The relation.
        relation: String,
        /// The relations that there are.
        known: String,
        /// The known relation that it is most like.
        closest: Option<String>,
    },
    /// An example's file name names no transform.
    #[error("names no transform of this project")]
    ExampleOfNothing {
        /// The example's file that it may have meant.
        closest: Option<String>,
    },
    /// An example says something that cannot be.
    #[error("{0}")]
    Example(String),
}

impl ProjectError {
    /// An error about a whole file.
    pub(super) fn file(file: impl Into<String>, kind: ProjectErrorKind) -> Self {
        Self { file: file.into(), line: None, kind: Box::new(kind) }
    }

    /// An error about one line of a file.
    pub(super) fn line(file: impl Into<String>, line: usize, kind: ProjectErrorKind) -> Self {
        Self { file: file.into(), line: Some(line), kind: Box::new(kind) }
    }

    /// What to do next, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.kind.hint()
    }
}

impl ProjectErrorKind {
    /// What to do next, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoSettings | Self::Io(_) => {
                "name a project's folder with --project: one with sqlmig.toml, migrations/ and transforms/"
            }
            Self::TwoSettings => "keep one of sqlmig.toml and transforms/project.toml",
            Self::Empty => "add transforms/normalise/<name>.sql to say what a source table means",
            Self::Stray { expected } => expected,
            Self::MisnamedMigration | Self::MisnamedTransform => "rename the file",
            Self::SameVersion { .. } => "give the newer one the next free number",
            Self::SameName { .. } | Self::ReservedName(_) => "the leading number is not part of the name; rename one",
            Self::NoHeader => "begin the file with --! summary: what it does, in one line",
            Self::LateHeader => "move it up: nothing may stand between the lines of the header",
            Self::UnknownKey { closest: Some(closest), .. } | Self::UnknownRelation { closest: Some(closest), .. } => {
                return Some(format!("did you mean {closest}?"));
            }
            Self::ExampleOfNothing { closest } => {
                return Some(match closest {
                    Some(closest) => format!("did you mean {closest}?"),
                    None => "an example is named <phase>_<name>.toml after its transform".to_owned(),
                });
            }
            Self::Statement(problem) => return problem.hint(),
            Self::Template(error) => return error.hint(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// `file:line: ` or `file: `.
fn place(file: &str, line: Option<usize>) -> impl fmt::Display {
    match line {
        Some(line) => format!("{file}:{line}: "),
        None => format!("{file}: "),
    }
}
