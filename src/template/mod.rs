//! Templates: how text with `{{ }}` becomes SQL, for what a project's author wrote and for what sqlmig writes around it.
//!
//! One set of rules for both: an unknown name is an error, and no value gets into SQL that nobody quoted. What the names
//! in an author's template mean is `project`'s to say; here is only the language.

mod environment;
mod error;
pub(crate) mod suggest;
mod wrap;

pub use error::TemplateError;
pub use wrap::{Fragment, render_wrap};

pub(crate) use environment::{Var, new as environment, problem};
pub(crate) use error::{Vocabulary, explain};
