//! A project: its settings, its migrations, its transforms with their headers, and how a template becomes SQL.
//!
//! Everything here is pure: files go in, typed values and SQL text come out, and nothing speaks to a database. A
//! project is read whole and judged whole: a stray file, an unknown key or a relation that nothing feeds is an error
//! when it is loaded, not a surprise in the middle of a run.

mod error;
mod example;
mod files;
mod functions;
mod hash;
mod header;
mod migration;
mod render;
mod scope;
mod settings;
mod statement;
mod transform;
mod type_name;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::{ProjectError, ProjectErrorKind};
pub use example::{Case, Example, GivenTable, Row};
pub use migration::MigrationFile;
pub use render::Rendered;
pub use scope::{Cast, RelationSql, Scope};
pub use settings::Settings;
pub use statement::StatementProblem;
pub use transform::{
    Action, Check, Dedup, Embed, IndexFile, Normalise, Promote, SearchFile, SqlFile, TransformPhase, Validate,
};

use crate::template::TemplateError;

use files::Tree;
use transform::{MacroFile, Transforms};

/// Name of the project that is built into the binary.
const BUILTIN_NAME: &str = "docs";

/// A project, loaded and found consistent.
#[derive(Debug, Clone)]
pub struct Project {
    /// What it is called: the settings' `name`, else its folder's name; `docs` for the built-in one.
    pub name: String,
    /// What `sqlmig.toml` says.
    pub settings: Settings,
    /// Schema migrations in the order of their versions.
    pub migrations: Vec<MigrationFile>,
    /// Ways into the canonical relations, in file-name order.
    pub normalise: Vec<Normalise>,
    /// Checks, in file-name order.
    pub check: Vec<Check>,
    /// Duplicate rules, in file-name order.
    pub dedup: Vec<Dedup>,
    /// Which rows want a vector, in file-name order.
    pub embed: Vec<Embed>,
    /// Final tables to write, in file-name order: parents first.
    pub promote: Vec<Promote>,
    /// Indexes that are built after the load, in file-name order.
    pub index: Vec<IndexFile>,
    /// Searches by vector; the first is `sqlmig search`.
    pub search: Vec<SearchFile>,
    /// Proofs on the final tables, in file-name order.
    pub validate: Vec<Validate>,
    /// SHA-256, lower-case hex, over everything that matters to results: `[digest]` and `[vars]` of the settings, and
    /// path and bytes of each migration and transform. Examples, options and the project's name are left out, so that
    /// a run can be resumed with another batch size.
    pub hash: String,
    macros: Vec<MacroFile>,
    examples: Vec<Example>,
}

impl Project {
    /// The `docs` project that is built into the binary.
    ///
    /// # Errors
    /// As [`Project::load`]; a test proves that a released binary holds a project without errors.
    pub fn builtin() -> Result<Self, ProjectError> {
        Self::from_tree(&files::builtin()?, BUILTIN_NAME)
    }

    /// Loads the project in a folder: `sqlmig.toml`, `migrations/` and `transforms/`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and, where there is one, its line.
    pub fn load(directory: &Path) -> Result<Self, ProjectError> {
        Self::from_tree(&files::read(directory)?, &files::folder_name(directory))
    }

    /// The project's examples, in file-name order.
    #[must_use]
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Every transform's file, in the order in which phases run.
    pub fn files(&self) -> impl Iterator<Item = &SqlFile> {
        let normalise = self.normalise.iter().map(|transform| &transform.file);
        let check = self.check.iter().map(|transform| &transform.file);
        let dedup = self.dedup.iter().map(|transform| &transform.file);
        let embed = self.embed.iter().map(|transform| &transform.file);
        let promote = self.promote.iter().map(|transform| &transform.file);
        let validate = self.validate.iter().map(|transform| &transform.file);
        normalise.chain(check).chain(dedup).chain(embed).chain(promote).chain(validate)
    }

    /// Transforms that no example tests.
    #[must_use]
    pub fn without_example(&self) -> Vec<&SqlFile> {
        let tested = |file: &SqlFile| self.examples.iter().any(|e| e.phase == file.phase && e.transform == file.name);
        self.files().filter(|file| !tested(file)).collect()
    }

    /// Turns a transform's template into SQL.
    ///
    /// # Errors
    /// What the template asks for does not exist in `scope`, or a value was left unquoted; with file and line.
    pub fn render(&self, file: &SqlFile, scope: &Scope<'_>) -> Result<Rendered, TemplateError> {
        render::render(file, scope, &self.settings.vars, &self.macros)
    }

    /// Turns the template of an index or a search into SQL: only `[vars]` means anything there.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_plain(&self, file: &SqlFile) -> Result<String, TemplateError> {
        let (staged, relations) = (BTreeMap::new(), BTreeMap::new());
        Ok(self.render(file, &Scope { rows: None, staged: &staged, relations: &relations })?.sql)
    }

    fn from_tree(tree: &Tree, folder: &str) -> Result<Self, ProjectError> {
        let settings = settings::read(tree)?;
        let migrations = migration::read(tree)?;
        let transforms = transform::read(tree)?;
        if migrations.is_empty() && transforms.is_empty() {
            return Err(ProjectError::file(tree.root.as_str(), ProjectErrorKind::Empty));
        }
        let Transforms { macros, normalise, check, dedup, embed, promote, index, validate, search } = transforms;
        let mut project = Self {
            name: settings.name.clone().unwrap_or_else(|| folder.to_owned()),
            hash: hash::hash(tree, &settings),
            settings,
            migrations,
            normalise,
            check,
            dedup,
            embed,
            promote,
            index,
            search,
            validate,
            macros,
            examples: Vec::new(),
        };
        project.examples = example::read(tree, &project)?;
        Ok(project)
    }
}
