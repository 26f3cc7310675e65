//! Templates of sqlmig's own: the SQL that it writes around what an author wrote.

use minijinja::Value;
use minijinja::value::Serde;
use serde::{Serialize, Serializer};

use crate::names::TableName;

use super::environment;
use super::error::{TemplateError, Vocabulary, explain};

/// What wrapper statements share, as `{% from 'macros.sql' import same %}` names it.
const MACROS: (&str, &str) = ("macros.sql", include_str!("../../sql/wrap/macros.sql"));

/// A piece of SQL that is handed to [`render_wrap`] and stands in the result as it is.
///
/// Everything else in the context is a value: it must pass `| ident`, `| idents` or `| literal`. A fragment prints as
/// `{{ fragment }}`. Make one only of SQL that sqlmig wrote, or that `Project::render` returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment(String);

impl Fragment {
    /// Declares a text to be SQL.
    pub fn new(sql: impl Into<String>) -> Self {
        Self(sql.into())
    }

    /// A table's name, every part quoted.
    #[must_use]
    pub fn table(name: &TableName) -> Self {
        Self(name.to_sql())
    }
}

impl From<Fragment> for Value {
    fn from(fragment: Fragment) -> Self {
        Self::from_safe_string(fragment.0)
    }
}

impl Serialize for Fragment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

/// Renders one of sqlmig's own wrapper statements (`sql/wrap/*.sql`) by the rules of transforms: an unknown name is an
/// error, identifiers by `| ident` and `| idents`, values by `| literal`, SQL by [`Fragment`].
///
/// `name` is the file's, for messages; `context` is anything that serialises as a map, such as a struct.
///
/// # Errors
/// The template cannot be understood, asks for something that `context` lacks, or leaves a value unquoted.
pub fn render_wrap(name: &'static str, source: &'static str, context: impl Serialize) -> Result<String, TemplateError> {
    let mut environment = environment::new();
    let context = Value::from(Serde(context));
    let known: Vec<String> =
        context.try_iter().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let rendered = environment
        .add_template(MACROS.0, MACROS.1)
        .and_then(|()| environment.template_from_named_str(name, source))
        .and_then(|template| template.render(context));
    rendered.map_err(|error| {
        let vocabulary = Vocabulary { names: &known, functions: &[], undefined: |_| None };
        explain(&error, name, source, 1, &vocabulary)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[derive(Serialize)]
    struct Context {
        target: Fragment,
        select: Fragment,
        columns: Vec<String>,
        keep: Option<Vec<String>>,
        run: String,
        batch: i64,
    }

    #[test]
    fn fragments_stand_as_they_are_and_values_are_quoted() {
        let context = Context {
            target: Fragment::table(&TableName::new("public", "Docs")),
            select: Fragment::new("select 1 as \"a\"\n"),
            columns: vec!["a".into(), "b\"c".into()],
            keep: None,
            run: "it's".into(),
            batch: -1,
        };
        let source = "insert into {{ target }} ({{ columns | idents }})
select {{ columns | idents('incoming') }}, {{ run | literal }}, 2 -{{ batch }}, {{ keep | literal }}
from ({{ select }}) as incoming
where {% for column in columns %}incoming.{{ column | ident }} is null{% if not loop.last %} and {% endif %}{% endfor %}";
        insta::assert_snapshot!(render_wrap("insert.sql", source, context).unwrap(), @r#"
        insert into "public"."Docs" ("a", "b""c")
        select "incoming"."a", "incoming"."b""c", 'it''s', 2 -(-1), null
        from (select 1 as "a"
        ) as incoming
        where incoming."a" is null and incoming."b""c" is null
        "#);
    }

    #[test]
    fn what_is_not_quoted_or_not_there_is_an_error() {
        let render = |source| render_wrap("w.sql", source, context! { a => "x", list => Vec::<String>::new() });
        let message = |source: &'static str| {
            let error = render(source).unwrap_err();
            format!("{error} ({})", error.hint().unwrap_or_default())
        };
        insta::assert_snapshot!(message("select\n{{ a }}"), @"w.sql:2: the text 'x' would stand in the SQL unquoted (add | ident for the name of a column or table, or | literal for a value)");
        insta::assert_snapshot!(message("select {{ a | safe }}"), @"w.sql:1: filter safe is unknown (there is ident, idents, literal, default, first, items, last, length, list, sort, string)");
        insta::assert_snapshot!(message("select {{ a | idnt }}"), @"w.sql:1: filter idnt is unknown (did you mean ident?)");
        insta::assert_snapshot!(message("select {{ lst | idents }}"), @"w.sql:1: what the filter is to quote is not defined ()");
        insta::assert_snapshot!(message("select {{ list | idents }}"), @"w.sql:1: the list of columns is empty (ask for that with {% if %} first)");
        insta::assert_snapshot!(message("select {{ a | ident | ident }}"), @"w.sql:1: the value is SQL already, so it cannot be quoted again (remove the filter)");
        insta::assert_snapshot!(message("select {{ a ~ 'b' }}"), @"w.sql:1: the text 'xb' would stand in the SQL unquoted (add | ident for the name of a column or table, or | literal for a value)");
        insta::assert_snapshot!(message("select {{ list }}"), @"w.sql:1: a sequence cannot stand in SQL (loop over it, or add | idents for a list of columns)");
        insta::assert_snapshot!(message("select {% if %}"), @r#"w.sql:1: the template cannot be understood at "%}": unexpected end of block ()"#);
    }
}
