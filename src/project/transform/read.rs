//! Reading and judging every transform of a project.

use crate::outcome::Severity;
use crate::template::suggest;

use super::super::error::{ProjectError, ProjectErrorKind};
use super::super::files::Tree;
use super::super::header::Header;
use super::super::statement::{self, Form};
use super::super::{files, render};
use super::keys::{
    ACTION, FROM_RELATION, FROM_TABLE, INSERT_ONLY, INTO, KEY, MERGE, NEEDS, ON, ON_TABLE, SEVERITY, SUMMARY, TARGET,
    TEXT, VECTOR,
};
use super::{
    Action, Check, Dedup, Embed, IndexFile, MacroFile, Normalise, Promote, SearchFile, SqlFile, TransformPhase,
    Transforms, Validate,
};

/// What sqlmig calls its own checks: rows that could not be decoded, values that could not be cast, staged rows that changed.
const RESERVED_NAMES: [&str; 3] = ["decode", "cast", "checksum"];

/// Reads and judges every transform of a project.
pub(in crate::project) fn read(tree: &Tree) -> Result<Transforms, ProjectError> {
    refuse_strays(tree)?;
    let transforms = Transforms {
        macros: macros(tree)?,
        normalise: each(tree, TransformPhase::Normalise, |file, header| {
            Ok(Normalise { file, from: header.table(&FROM_TABLE)?, into: header.relation(&INTO)? })
        })?,
        check: each(tree, TransformPhase::Check, |file, header| {
            if RESERVED_NAMES.contains(&file.name.as_str()) {
                return Err(ProjectError::file(file.path, ProjectErrorKind::ReservedName(file.name)));
            }
            Ok(Check { file, on: header.relation(&ON)?, severity: severity(header)? })
        })?,
        dedup: each(tree, TransformPhase::Dedup, |file, header| {
            Ok(Dedup { file, on: header.relation(&ON)?, merge: header.columns(&MERGE)? })
        })?,
        embed: each(tree, TransformPhase::Embed, |file, header| {
            let columns = match (header.optional_column(&TEXT)?, header.optional_column(&VECTOR)?) {
                (Some(text), Some(vector)) => Some((text, vector)),
                (None, None) => None,
                (Some(_), None) => return Err(header.wrong(&TEXT, "name the column of the vector too: vector")),
                (None, Some(_)) => return Err(header.wrong(&VECTOR, "name the column of the text too: text")),
            };
            Ok(Embed { file, on: header.relation(&ON)?, severity: severity(header)?, columns })
        })?,
        promote: each(tree, TransformPhase::Promote, promote)?,
        index: each(tree, TransformPhase::Index, |file, header| {
            Ok(IndexFile { file, on: header.final_table(&ON_TABLE)? })
        })?,
        search: each(tree, TransformPhase::Search, |file, header| {
            let (on, vector, text) = (header.final_table(&ON_TABLE)?, header.column(&VECTOR)?, header.column(&TEXT)?);
            Ok(SearchFile { file, on, vector, text })
        })?,
        validate: each(tree, TransformPhase::Validate, |file, header| {
            let severity = severity(header)?;
            if severity == Severity::Reject {
                return Err(header.wrong(&SEVERITY, "a row of a final table cannot be rejected: use error or warn"));
            }
            Ok(Validate { file, on: header.final_table(&ON_TABLE)?, severity })
        })?,
    };
    transforms.refuse_same_way()?;
    transforms.refuse_two_vectors()?;
    transforms.refuse_unfed(tree)?;
    Ok(transforms)
}

fn promote(file: SqlFile, header: &Header<'_>) -> Result<Promote, ProjectError> {
    let target = header.final_table(&TARGET)?;
    header.text(&KEY)?;
    let key = header.columns(&KEY)?;
    let insert_only = header.columns(&INSERT_ONLY)?;
    if let Some(column) = insert_only.iter().find(|column| key.contains(column)) {
        return Err(header.wrong(&INSERT_ONLY, format!("{column} is part of the key, which is never updated anyway")));
    }
    let from = header.optional_relation(&FROM_RELATION)?;
    let action = match header.optional(&ACTION) {
        None | Some("upsert") => Action::Upsert,
        Some("delete") if from.is_some() || !insert_only.is_empty() => {
            return Err(header.wrong(&ACTION, "rows that are deleted come from no relation and have no insert_only"));
        }
        Some("delete") => Action::Delete,
        Some(other) => return Err(header.wrong(&ACTION, format!("{other:?} is neither upsert nor delete"))),
    };
    Ok(Promote { file, target, key, from, insert_only, needs: header.optional_relation(&NEEDS)?, action })
}

/// The files of `transforms/macros/`.
fn macros(tree: &Tree) -> Result<Vec<MacroFile>, ProjectError> {
    let mut found = Vec::new();
    for (path, inside, text) in tree.under("transforms/macros").filter(|(_, inside, _)| *inside != "README.md") {
        if transform_name(inside).is_none() {
            return Err(ProjectError::file(path, ProjectErrorKind::MisnamedTransform));
        }
        let file = MacroFile { name: inside.to_owned(), path: path.to_owned(), body: text.to_owned() };
        render::parse_macros(&file)
            .map_err(|error| ProjectError::line(path, error.line, ProjectErrorKind::Template(error)))?;
        found.push(file);
    }
    Ok(found)
}

fn severity(header: &Header<'_>) -> Result<Severity, ProjectError> {
    header.text(&SEVERITY)?.parse().map_err(|reason: String| header.wrong(&SEVERITY, reason))
}

/// Reads the files of one phase in file-name order, each with what `build` makes of its header.
fn each<T>(
    tree: &Tree,
    phase: TransformPhase,
    build: impl Fn(SqlFile, &Header<'_>) -> Result<T, ProjectError>,
) -> Result<Vec<T>, ProjectError> {
    let folder = format!("transforms/{phase}");
    let mut seen: Vec<(String, &str)> = Vec::new();
    let mut transforms = Vec::new();
    for (path, inside, text) in tree.under(&folder).filter(|(_, inside, _)| *inside != "README.md") {
        let Some(name) = transform_name(inside) else {
            return Err(ProjectError::file(path, ProjectErrorKind::MisnamedTransform));
        };
        if let Some((_, other)) = seen.iter().find(|(other, _)| other == name) {
            let kind = ProjectErrorKind::SameName { name: name.to_owned(), other: (*other).to_owned() };
            return Err(ProjectError::file(path, kind));
        }
        seen.push((name.to_owned(), path));
        let header = Header::parse(path, text, phase.as_str(), phase.keys())?;
        let file = SqlFile {
            phase,
            name: name.to_owned(),
            path: path.to_owned(),
            summary: header.text(&SUMMARY)?.to_owned(),
            body: header.body.to_owned(),
            first_line: header.first_line,
        };
        let transform = build(file.clone(), &header)?;
        statement::check(&file.body, Form::Template, phase.first_words()).map_err(|(line, problem)| {
            ProjectError::line(path, file.first_line + line - 1, ProjectErrorKind::Statement(problem))
        })?;
        render::parse(&file)
            .map_err(|error| ProjectError::line(path, error.line, ProjectErrorKind::Template(error)))?;
        transforms.push(transform);
    }
    Ok(transforms)
}

/// `name` of `name.sql` or `010_name.sql`.
fn transform_name(file: &str) -> Option<&str> {
    let stem = file.strip_suffix(".sql")?;
    let name = match stem.split_once('_') {
        Some((number, name)) if number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => stem,
    };
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    plain.then_some(name)
}

/// Everything below `transforms/` must be something that is read.
fn refuse_strays(tree: &Tree) -> Result<(), ProjectError> {
    let folders = || TransformPhase::ALL.iter().map(|phase| phase.as_str()).chain(["macros", "examples"]);
    for (path, inside, _) in tree.under("transforms") {
        let expected = match inside.split_once('/') {
            None if inside == "README.md" || path == files::BUILTIN_SETTINGS => continue,
            None => format!("move it into one of transforms/{{{}}}", folders().collect::<Vec<_>>().join(",")),
            Some((folder, _)) if folders().any(|known| known == folder) => continue,
            Some((folder, _)) => match suggest::closest(folder, folders()) {
                Some(closest) => format!("did you mean transforms/{closest}?"),
                None => format!("the folders of transforms are {}", suggest::list(folders())),
            },
        };
        return Err(ProjectError::file(path, ProjectErrorKind::Stray { expected }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_three_digits_is_not_part_of_the_name() {
        assert_eq!(transform_name("010_content_empty.sql"), Some("content_empty"));
        assert_eq!(transform_name("content_empty.sql"), Some("content_empty"));
        for name in ["10_a.sql", "0100_a.sql", "010_.sql", "010.sql", "A.sql", "a-b.sql", "a.sql~", "x/a.sql", ".sql"] {
            assert_eq!(transform_name(name), None, "{name}");
        }
    }
}
