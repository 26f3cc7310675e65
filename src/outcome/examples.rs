//! What came of a project's examples.

use serde::Serialize;

/// What came of a project's examples.
#[derive(Debug, Clone, Serialize)]
pub struct ExampleReport {
    /// [`super::FORMAT`].
    pub format: u32,
    /// The cases that were tried, in the order of their files.
    pub cases: Vec<CaseOutcome>,
    /// Transforms that no example tests: `check/content_empty`.
    pub without_example: Vec<String>,
}

/// What came of one case of an example.
#[derive(Debug, Clone, Serialize)]
pub struct CaseOutcome {
    /// The example's path inside the project.
    pub example: String,
    /// The transform that it tests: `check/content_empty`.
    pub transform: String,
    /// The case's name.
    pub case: String,
    /// Whether the transform yielded what is expected.
    pub passed: bool,
    /// What differs, or why the transform could not run; several lines.
    pub difference: Option<String>,
}
