//! What must hold between a project's transforms.

use crate::template::suggest;

use super::super::error::{ProjectError, ProjectErrorKind};
use super::super::files::Tree;
use super::super::header::Header;
use super::keys::{FROM_RELATION, NEEDS, ON};
use super::{Normalise, Transforms};

impl Transforms {
    /// A row of a relation is named by its source table and `_row`, so there is one way from a table to a relation.
    pub(super) fn refuse_same_way(&self) -> Result<(), ProjectError> {
        for (at, transform) in self.normalise.iter().enumerate() {
            let same = |other: &&Normalise| other.from == transform.from && other.into == transform.into;
            if let Some(other) = self.normalise[..at].iter().find(same) {
                let kind = ProjectErrorKind::SameWay {
                    from: transform.from.to_string(),
                    into: transform.into.clone(),
                    other: other.file.path.clone(),
                };
                return Err(ProjectError::file(transform.file.path.as_str(), kind));
            }
        }
        Ok(())
    }

    /// A row takes one vector, so one file says which rows of a relation want one.
    pub(super) fn refuse_two_vectors(&self) -> Result<(), ProjectError> {
        for (at, transform) in self.embed.iter().enumerate() {
            if let Some(other) = self.embed[..at].iter().find(|other| other.on == transform.on) {
                let kind =
                    ProjectErrorKind::TwoVectors { relation: transform.on.clone(), other: other.file.path.clone() };
                return Err(ProjectError::file(transform.file.path.as_str(), kind));
            }
        }
        Ok(())
    }

    /// Every relation that is read must be one that some normalise transform feeds.
    pub(super) fn refuse_unfed(&self, tree: &Tree) -> Result<(), ProjectError> {
        let mut fed: Vec<&str> = self.normalise.iter().map(|transform| transform.into.as_str()).collect();
        fed.sort_unstable();
        fed.dedup();
        let checks = self.check.iter().map(|transform| (&transform.file, &ON, &transform.on));
        let dedups = self.dedup.iter().map(|transform| (&transform.file, &ON, &transform.on));
        let embeds = self.embed.iter().map(|transform| (&transform.file, &ON, &transform.on));
        let promotes = self.promote.iter().filter_map(|t| t.from.as_ref().map(|from| (&t.file, &FROM_RELATION, from)));
        let promotes =
            promotes.chain(self.promote.iter().filter_map(|t| t.needs.as_ref().map(|n| (&t.file, &NEEDS, n))));
        for (file, key, relation) in checks.chain(dedups).chain(embeds).chain(promotes) {
            if !fed.contains(&relation.as_str()) {
                let kind = ProjectErrorKind::UnknownRelation {
                    relation: relation.clone(),
                    known: suggest::list(fed.iter().copied()),
                    closest: suggest::closest(relation, fed.iter().copied()),
                };
                let text = tree.get(&file.path).unwrap_or_default();
                let header = Header::parse(&file.path, text, file.phase.as_str(), file.phase.keys())?;
                return Err(ProjectError::line(file.path.as_str(), header.line_of(key), kind));
            }
        }
        Ok(())
    }
}
