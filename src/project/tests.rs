use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::names::TableName;
use crate::outcome::Severity;
use crate::template::TemplateError;

const SETTINGS: &str = "[vars]\nmax_tokens = 8000\nowner = \"it's\"\ntypes = [\"a\", \"b\"]\nnegative = -1\n";
const NORMALISE: &str = "--! summary: documents as they are\n--! from: public.documents\n--! into: documents\n\
                         select _row, {{ cast('id', 'uuid') }} as id from {{ rows }}\n";
const CHECK: &str = "--! summary: content is there\n--! on: documents\n--! severity: reject\n\
                     select _row, 'content is empty' as reason from {{ rows }} where content = ''\n";
const DEDUP: &str = "--! summary: one row a path\n--! on: documents\n--! merge: embedding, \"Tokens\"\n\
                     select * from {{ rows }}\n";
const PROMOTE: &str = "--! summary: documents\n--! target: public.documents\n--! key: doc_type, doc_path\n\
                       --! from: documents\n--! insert_only: id\nselect id, doc_type, doc_path from {{ rows }}\n";
const VALIDATE: &str = "--! summary: no orphan\n--! on: public.documents\n--! severity: error\n\
                        select id::text as row, 'no source' as reason from public.documents\n";

/// A project that is right, with files changed or added.
fn folder(changes: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let right = [
        ("sqlmig.toml", SETTINGS),
        ("migrations/V1__documents.sql", "create table documents ();"),
        ("transforms/README.md", "anything"),
        ("transforms/normalise/010_documents.sql", NORMALISE),
        ("transforms/check/020_content.sql", CHECK),
        ("transforms/dedup/path.sql", DEDUP),
        ("transforms/promote/020_documents.sql", PROMOTE),
        ("transforms/validate/orphans.sql", VALIDATE),
    ];
    for (path, text) in right.iter().chain(changes) {
        write(directory.path(), path, text);
    }
    directory
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn load(changes: &[(&str, &str)]) -> Result<Project, ProjectError> {
    Project::load(folder(changes).path())
}

/// Message and hint of the error that a change leads to.
fn error(path: &str, text: &str) -> String {
    let error = load(&[(path, text)]).unwrap_err();
    match error.hint() {
        Some(hint) => format!("{error}\n{hint}"),
        None => error.to_string(),
    }
}

#[test]
fn a_project_is_typed_and_in_order() {
    let project = load(&[
        ("migrations/V10__later.sql", "select 10"),
        ("migrations/V2__second.sql", "select 2"),
        ("transforms/check/010_first.sql", CHECK),
        ("transforms/check/aa_last.sql", CHECK),
        ("transforms/check/.010_first.sql.swp", "an editor's"),
    ])
    .unwrap();
    assert_eq!(project.migrations.iter().map(|m| m.version).collect::<Vec<_>>(), [1, 2, 10]);
    assert_eq!(project.check.iter().map(|c| c.file.name.as_str()).collect::<Vec<_>>(), ["first", "content", "aa_last"]);
    assert_eq!(project.check[0].severity, Severity::Reject);
    assert_eq!(project.normalise[0].from, TableName::new("public", "documents"));
    assert_eq!(project.normalise[0].file.first_line, 4);
    assert_eq!(project.dedup[0].merge, ["embedding", "Tokens"]);
    let promote = &project.promote[0];
    assert_eq!(promote.target, TableName::new("public", "documents"));
    assert_eq!((promote.key.join(" "), promote.from.as_deref()), ("doc_type doc_path".to_owned(), Some("documents")));
    assert_eq!(promote.insert_only, ["id"]);
    assert_eq!(project.without_example().len(), 7);
}

#[test]
fn the_hash_sees_what_matters_to_results_and_nothing_else() {
    let hash = |changes: &[(&str, &str)]| load(changes).unwrap().hash;
    let plain = hash(&[]);
    assert_eq!(plain.len(), 64);
    let example = "[[case]]\nname = \"a\"\nexpected = []\n";
    for same in [
        ("transforms/README.md", "other"),
        ("transforms/examples/check_content.toml", example),
        ("sqlmig.toml", &format!("[project]\nname = \"x\"\n{SETTINGS}[options]\nbatch_size = 7\n")),
    ] {
        assert_eq!(hash(&[same]), plain, "{same:?}");
    }
    for other in [
        ("transforms/check/020_content.sql", CHECK.replace("''\n", "' '\n")),
        ("transforms/check/030_content2.sql", CHECK.to_owned()),
        ("migrations/V1__documents.sql", "create table other ();".to_owned()),
        ("sqlmig.toml", SETTINGS.replace("8000", "8001")),
        ("sqlmig.toml", format!("{SETTINGS}[digest]\n\"public.documents\" = [\"content\"]\n")),
    ] {
        assert_ne!(hash(&[(other.0, &other.1)]), plain, "{other:?}");
    }
}

#[test]
fn settings_are_read_and_judged() {
    let text = "[project]\nname = \"docs\"\n[digest]\n\"public.Docs\" = [\"content\", \"embedding\"]\n[options]\nbatch_size = 5000\n\
                parallel = 2\nmax_rejects = \"0.5%\"\nrow_limit_bytes = 1024\n";
    let project = load(&[("sqlmig.toml", text)]).unwrap();
    assert_eq!(project.name, "docs");
    assert_eq!(project.settings.digest[&TableName::new("public", "docs")], ["content", "embedding"]);
    assert_eq!(project.settings.options["max_rejects"].as_str(), Some("0.5%"));
    let error = |text: &str| error("sqlmig.toml", text);
    insta::assert_snapshot!(error("[project]\nname = 1"), @"sqlmig.toml:2: invalid type: integer `1`, expected a string");
    insta::assert_snapshot!(error("[vars]\n\n[option]\n"), @"sqlmig.toml:3: unknown field `option`, expected one of `project`, `digest`, `vars`, `tree`, `options`");
    insta::assert_snapshot!(error("[digest]\n\"a.b.c\" = [\"x\"]"), @r#"sqlmig.toml: [digest] "a.b.c" is not a table name: write table, schema.table, or quote a part as in public."MixedCase""#);
    insta::assert_snapshot!(error("[digest]\n\"a.b\" = []"), @"sqlmig.toml: [digest] a.b names no column");
    insta::assert_snapshot!(error("[digest"), @"sqlmig.toml:1: unclosed table, expected `]`");
    insta::assert_snapshot!(self::error("transforms/project.toml", ""), @r#"
    transforms/project.toml: the settings are in sqlmig.toml already
    keep one of sqlmig.toml and transforms/project.toml
    "#);
}

#[test]
fn a_folder_that_is_no_project_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let message = |error: ProjectError| error.to_string().replace(&directory.path().display().to_string(), "DIR");
    insta::assert_snapshot!(message(Project::load(directory.path()).unwrap_err()), @"DIR: is no project: there is no sqlmig.toml in it");
    insta::assert_snapshot!(message(Project::load(&directory.path().join("none")).unwrap_err()), @"DIR/none: cannot be read: No such file or directory (os error 2)");
    write(directory.path(), "sqlmig.toml", "");
    insta::assert_snapshot!(message(Project::load(directory.path()).unwrap_err()), @"DIR: is an empty project: it has neither migrations nor transforms");
    insta::assert_snapshot!(message(Project::load(&directory.path().join("sqlmig.toml")).unwrap_err()), @"DIR/sqlmig.toml: cannot be read: not a directory");
}

#[test]
fn files_that_nothing_would_read_are_refused() {
    insta::assert_snapshot!(error("migrations/1__documents.sql", ""), @r#"
    migrations/1__documents.sql: is not named like a migration: V<number>__<name>.sql, for example V1__documents.sql
    rename the file
    "#);
    insta::assert_snapshot!(error("migrations/V01__again.sql", ""), @r#"
    migrations/V1__documents.sql: has version 1, and so has migrations/V01__again.sql
    give the newer one the next free number
    "#);
    insta::assert_snapshot!(error("transforms/check/Content.sql", CHECK), @r#"
    transforms/check/Content.sql: is not named like a transform: name.sql or 010_name.sql, the name of a-z, 0-9 and _
    rename the file
    "#);
    insta::assert_snapshot!(error("transforms/check/010_content.sql", CHECK), @r#"
    transforms/check/020_content.sql: is called content, and so is transforms/check/010_content.sql
    the leading number is not part of the name; rename one
    "#);
    insta::assert_snapshot!(error("transforms/check/decode.sql", CHECK), @r#"
    transforms/check/decode.sql: is called decode, which is what sqlmig calls its own check
    the leading number is not part of the name; rename one
    "#);
    insta::assert_snapshot!(error("transforms/checks/content.sql", CHECK), @r#"
    transforms/checks/content.sql: is not part of a project, so nothing would read it
    did you mean transforms/check?
    "#);
    insta::assert_snapshot!(error("transforms/vectors/content.sql", CHECK), @r#"
    transforms/vectors/content.sql: is not part of a project, so nothing would read it
    the folders of transforms are normalise, check, dedup, embed, promote, index, validate, search, macros, examples
    "#);
    insta::assert_snapshot!(error("transforms/content.sql", CHECK), @r"
    transforms/content.sql: is not part of a project, so nothing would read it
    move it into one of transforms/{normalise,check,dedup,embed,promote,index,validate,search,macros,examples}
    ");
    insta::assert_snapshot!(error("transforms/check/a/b/c.sql", CHECK), @r#"
    transforms/check/a/b: is not part of a project, so nothing would read it
    folders of a project are transforms/<phase> at the deepest; move it out of the project
    "#);
    insta::assert_snapshot!(error("transforms/examples/check_contents.toml", ""), @r#"
    transforms/examples/check_contents.toml: names no transform of this project
    did you mean check_content.toml?
    "#);
    let directory = folder(&[]);
    std::fs::write(directory.path().join("transforms/check/bad.sql"), b"--! summary: \xff").unwrap();
    insta::assert_snapshot!(Project::load(directory.path()).unwrap_err(), @"transforms/check/bad.sql: is not UTF-8: the first bad byte is at offset 13");
}

#[test]
fn a_header_is_strict() {
    let error = |text: &str| error("transforms/check/020_content.sql", text);
    let body = "select 1\n";
    insta::assert_snapshot!(error("select 1"), @r#"
    transforms/check/020_content.sql:1: has no header: its first line is not of the form --! key: value
    begin the file with --! summary: what it does, in one line
    "#);
    insta::assert_snapshot!(error(&format!("--! summary: a\n--! on documents\n{body}")), @r#"transforms/check/020_content.sql:2: "--! on documents" is not of the form --! key: value"#);
    insta::assert_snapshot!(error(&format!("--! summary:\n{body}")), @r#"transforms/check/020_content.sql:1: "--! summary:" is not of the form --! key: value"#);
    insta::assert_snapshot!(error(&format!("--! sumary: a\n{body}")), @r#"
    transforms/check/020_content.sql:1: check has no key "sumary"; it has summary, on, severity
    did you mean summary?
    "#);
    insta::assert_snapshot!(error(&format!("--! summary: a\n--! target: b\n{body}")), @r#"transforms/check/020_content.sql:2: check has no key "target"; it has summary, on, severity"#);
    insta::assert_snapshot!(error(&format!("--! summary: a\n--! on: documents\n--! on: documents\n{body}")), @r#"transforms/check/020_content.sql:3: "on" is given a second time; line 2 has it already"#);
    insta::assert_snapshot!(error(&format!("--! summary: a\n--! on: documents\n{body}")), @r#"transforms/check/020_content.sql: the header lacks "severity" (what its findings mean: warn, reject or error)"#);
    insta::assert_snapshot!(error(&format!("--! summary: a\n\n{body}--! on: documents\n")), @r#"
    transforms/check/020_content.sql:4: a header line after the SQL began
    move it up: nothing may stand between the lines of the header
    "#);
    insta::assert_snapshot!(error(&CHECK.replace("reject", "fatal")), @r#"transforms/check/020_content.sql:3: severity: "fatal" is no severity: use warn, reject or error"#);
    insta::assert_snapshot!(error(&CHECK.replace("on: documents", "on: public.documents")), @r#"transforms/check/020_content.sql:2: on: "public.documents" is no relation's name: use a-z, 0-9 and _, at most 63"#);
    insta::assert_snapshot!(error(&CHECK.replace("on: documents", "on: document")), @r#"
    transforms/check/020_content.sql:2: no normalise transform feeds a relation "document"; there is documents
    did you mean documents?
    "#);
    insta::assert_snapshot!(error(&CHECK.replace("on: documents", "on: sources")), @r#"transforms/check/020_content.sql:2: no normalise transform feeds a relation "sources"; there is documents"#);
}

#[test]
fn keys_of_one_phase_are_judged() {
    let promote = |from, to| error("transforms/promote/020_documents.sql", &PROMOTE.replace(from, to));
    insta::assert_snapshot!(promote("--! key: doc_type, doc_path\n", ""), @r#"transforms/promote/020_documents.sql: the header lacks "key" (the columns that identify a row of the target)"#);
    insta::assert_snapshot!(promote("key: doc_type, doc_path", "key: doc_type,"), @r#"transforms/promote/020_documents.sql:3: key: "" is not the name of a column"#);
    insta::assert_snapshot!(promote("key: doc_type, doc_path", "key: doc_type, doc_type"), @"transforms/promote/020_documents.sql:3: key: doc_type is named twice");
    insta::assert_snapshot!(promote("target: public.documents", "target: documents"), @"transforms/promote/020_documents.sql:2: target: name the schema too, as in public.documents");
    insta::assert_snapshot!(promote("insert_only: id", "insert_only: doc_type"), @"transforms/promote/020_documents.sql:5: insert_only: doc_type is part of the key, which is never updated anyway");
    insta::assert_snapshot!(promote("from: documents", "from: docments"), @r#"
    transforms/promote/020_documents.sql:4: no normalise transform feeds a relation "docments"; there is documents
    did you mean documents?
    "#);
    let validate = VALIDATE.replace("error", "reject");
    insta::assert_snapshot!(error("transforms/validate/orphans.sql", &validate), @"transforms/validate/orphans.sql:3: severity: a row of a final table cannot be rejected: use error or warn");
    insta::assert_snapshot!(error("transforms/normalise/020_again.sql", NORMALISE), @"transforms/normalise/020_again.sql: public.documents goes into documents already, by transforms/normalise/010_documents.sql: each of its rows would be there twice");
    let normalise = NORMALISE.replace("public.documents", "a b");
    insta::assert_snapshot!(error("transforms/normalise/010_documents.sql", &normalise), @r#"transforms/normalise/010_documents.sql:2: from: "a b" is not a table name: write table, schema.table, or quote a part as in public."MixedCase""#);
}

#[test]
fn a_body_is_one_select() {
    let header = "--! summary: a\n--! on: documents\n--! severity: warn\n";
    let error = |body: &str| error("transforms/check/020_content.sql", &format!("{header}{body}"));
    insta::assert_snapshot!(error(""), @r#"
    transforms/check/020_content.sql:4: there is no SQL after the header
    write the SELECT below the header
    "#);
    insta::assert_snapshot!(error("\nselect 1;\n"), @r#"
    transforms/check/020_content.sql:5: the SELECT ends with a semicolon
    remove it: sqlmig writes more SQL around the SELECT
    "#);
    insta::assert_snapshot!(error("select 1;\ndrop table x"), @r#"
    transforms/check/020_content.sql:5: there is a second statement after the semicolon
    one file is one SELECT; make the second one a file of its own
    "#);
    insta::assert_snapshot!(error("-- why\ninsert into x select 1"), @r#"
    transforms/check/020_content.sql:5: a transform is a SELECT, and this begins with "insert"
    sqlmig writes the INSERT and UPDATE itself; only say which rows there should be
    "#);
    insta::assert_snapshot!(error("select 'a"), @"transforms/check/020_content.sql:4: a string begins here and does not end");
    insta::assert_snapshot!(error("select 1\n{% if x %}"), @r#"transforms/check/020_content.sql:5: the template cannot be understood at "%}": unexpected end of input, expected end of block"#);
    insta::assert_snapshot!(error("select\n{{ rows"), @r#"transforms/check/020_content.sql:5: the template cannot be understood at "rows": unexpected end of input, expected end of variable block"#);
}

/// Renders a body as a check, or as what `phase` says, over one staged table and one relation.
fn render_as(phase: TransformPhase, body: &str) -> Result<Rendered, TemplateError> {
    let project = load(&[]).unwrap();
    let path = format!("transforms/{phase}/a.sql");
    let file = SqlFile { phase, name: "a".into(), path, summary: "a".into(), body: body.into(), first_line: 4 };
    let staged = BTreeMap::from([(TableName::new("public", "documents"), "staging.\"documents\"".to_owned())]);
    let relation = RelationSql {
        canonical: "canonical.\"documents\"".to_owned(),
        accepted: "(select 1)".to_owned(),
        clean: "(select 2)".to_owned(),
        embedded: "(select 3)".to_owned(),
    };
    let relations = BTreeMap::from([("documents".to_owned(), relation)]);
    let rows = (phase != TransformPhase::Validate).then(|| "staging.\"documents\"".to_owned());
    project.render(&file, &Scope { rows, staged: &staged, relations: &relations })
}

fn render(body: &str) -> String {
    render_as(TransformPhase::Check, body).unwrap().sql
}

fn refused(phase: TransformPhase, body: &str) -> String {
    let error = render_as(phase, body).unwrap_err();
    match error.hint() {
        Some(hint) => format!("{error}\n{hint}"),
        None => error.to_string(),
    }
}

#[test]
fn a_template_becomes_sql() {
    let body = "select {{ vars.owner }}, {{ vars.max_tokens }}, 1 -{{ vars.negative }}, {{ 'A\"b' | ident }}
from {{ rows }} as r, {{ staged('public.documents') }}, {{ canonical('documents') }}, {{ accepted('documents') }} as a
{% if is_staged('public.crates') or fed('crates') %}, never{% endif %}{% if fed('documents') %}, {{ clean('documents') }} as c{% endif %}
where doc_type in ({% for type in vars.types %}{{ type }}{% if not loop.last %}, {% endif %}{% endfor %}) -- end";
    insta::assert_snapshot!(render(body), @r#"
    select 'it''s', 8000, 1 -(-1), "A""b"
    from staging."documents" as r, staging."documents", canonical."documents", (select 1) as a
    , (select 2) as c
    where doc_type in ('a', 'b') -- end
    "#);
    insta::assert_snapshot!(render("select {{ vars.types | idents('r') }}, {{ 'it\\\\''s' | literal }}, {{ vars.owner | ident }}"), @r#"select "r"."a", "r"."b", E'it\\s', "it's""#);
    let set = "{% macro blank(column) %}btrim({{ column | ident }}) = ''{% endmacro %}{% set both %}{{ blank('a') }} or {{ blank('b') }}{% endset %}select {{ both }}";
    insta::assert_snapshot!(render(set), @r#"select btrim("a") = '' or btrim("b") = ''"#);
    assert_eq!(render("select {% if vars.max_tokens == 8000 %}1{% endif %}"), "select 1\n");
    insta::assert_snapshot!(render("select {% if vars.owner | string == \"it's\" %}1{% else %}2{% endif %}"), @"select 1");
}

#[test]
fn casts_are_written_down_once() {
    let body = "select {{ cast('id', 'uuid') }}, {{ cast('d.Total', 'numeric(10,2)') }}, {{ cast('id', 'uuid') }}, \
                {{ cast('\"Total\"', 'text[]') }} from {{ rows }} as d";
    let rendered = render_as(TransformPhase::Normalise, body).unwrap();
    insta::assert_snapshot!(rendered.sql, @r#"select case when sqlmig.input_is_valid("id", 'uuid') then "id"::uuid end, case when sqlmig.input_is_valid("d"."total", 'numeric(10,2)') then "d"."total"::numeric(10,2) end, case when sqlmig.input_is_valid("id", 'uuid') then "id"::uuid end, case when sqlmig.input_is_valid("Total", 'text[]') then "Total"::text[] end from staging."documents" as d"#);
    let casts: Vec<_> = rendered.casts.iter().map(|cast| format!("{} {}", cast.column, cast.type_name)).collect();
    assert_eq!(casts, ["id uuid", "total numeric(10,2)", "Total text[]"]);
}

#[test]
fn what_a_template_may_not_do_is_said_with_its_line() {
    use TransformPhase::{Check, Normalise, Validate};
    insta::assert_snapshot!(refused(Check, "select\n  {{ 'a' }}"), @r#"
    transforms/check/a.sql:5: the text 'a' would stand in the SQL unquoted
    add | ident for the name of a column or table, or | literal for a value
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ ['a'] }}"), @r#"
    transforms/check/a.sql:4: a sequence cannot stand in SQL
    loop over it, or add | idents for a list of columns
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ none }}"), @r#"
    transforms/check/a.sql:4: a value is none
    write null where SQL's null is meant
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ vars.owner ~ 'x' }}"), @r#"
    transforms/check/a.sql:4: the text "it'sx" would stand in the SQL unquoted
    add | ident for the name of a column or table, or | literal for a value
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ rows ~ 'x' }}"), @r#"
    transforms/check/a.sql:4: the text 'staging."documents"x' would stand in the SQL unquoted
    add | ident for the name of a column or table, or | literal for a value
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ 'a' | safe }}"), @r#"
    transforms/check/a.sql:4: filter safe is unknown
    there is ident, idents, literal, default, first, items, last, length, list, sort, string
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ vars.max_token }}"), @r#"
    transforms/check/a.sql:4: vars.max_token is not defined here
    set it in [vars] of sqlmig.toml
    "#);
    insta::assert_snapshot!(refused(Check, "select\n{% if vars.owner == 'a' %}{% endif %}"), @r#"
    transforms/check/a.sql:5: vars.owner is printed as a literal and cannot be compared as it is
    compare its text: vars.owner | string == 'a'
    "#);
    insta::assert_snapshot!(refused(Check, "select\n{{ 'a' != vars.owner }}"), @r#"
    transforms/check/a.sql:5: vars.owner is printed as a literal and cannot be compared as it is
    compare its text: vars.owner | string == 'a'
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ row }}"), @r#"
    transforms/check/a.sql:4: row is not defined here
    did you mean rows?
    "#);
    insta::assert_snapshot!(refused(Validate, "select\n1 from {{ rows }}"), @r#"
    transforms/validate/a.sql:5: rows is not defined here
    validate, and promote without `from`, have no rows: name the tables or relations
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ stagd('a') }}"), @r#"
    transforms/check/a.sql:4: function stagd is unknown
    did you mean staged?
    "#);
    insta::assert_snapshot!(refused(Check, "select\n\n{{ staged('public.document') }}"), @r#"
    transforms/check/a.sql:6: the source has no table public.document; it has public.documents
    did you mean public.documents?
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ staged('public.crates') }}"), @r#"
    transforms/check/a.sql:4: the source has no table public.crates; it has public.documents
    where a source may lack it, ask {% if is_staged('public.crates') %} first
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ staged('a b') }}"), @r#"transforms/check/a.sql:4: "a b" is not a table name: write table, schema.table, or quote a part as in public."MixedCase""#);
    insta::assert_snapshot!(refused(Check, "select {{ staged() }}"), @r#"transforms/check/a.sql:4: the template cannot be understood at "staged()": missing argument"#);
    insta::assert_snapshot!(refused(Check, "select {{ clean('sources') }}"), @r#"
    transforms/check/a.sql:4: nothing feeds a relation "sources" in this run; there is documents
    where a source may not feed it, ask {% if fed('sources') %} first
    "#);
    insta::assert_snapshot!(refused(Check, "select {{ cast('id', 'uuid') }}"), @r#"
    transforms/check/a.sql:4: check has no cast()
    cast in transforms/normalise, where rows with bad values are found and kept
    "#);
    insta::assert_snapshot!(refused(Normalise, "select {{ cast('id', 'uuid) or (true') }}"), @r#"
    transforms/normalise/a.sql:4: "uuid) or (true" is not the name of a type
    as in uuid, numeric(10,2), timestamp with time zone, text[]
    "#);
    insta::assert_snapshot!(refused(Normalise, "select {{ cast('lower(id)', 'uuid') }}"), @r#"
    transforms/normalise/a.sql:4: "lower(id)" is not the name of a column
    cast takes column or alias.column; cast an expression in SQL, in a check of its own
    "#);
    insta::assert_snapshot!(refused(Check, "select 1) as x, (select 2"), @"transforms/check/a.sql:4: the parentheses do not match");
    insta::assert_snapshot!(refused(Check, "{% if true %}delete from x{% endif %}"), @r#"
    transforms/check/a.sql:4: a transform is a SELECT, and this begins with "delete"
    sqlmig writes the INSERT and UPDATE itself; only say which rows there should be
    "#);
    insta::assert_snapshot!(refused(Check, "{% include 'other.sql' %}"), @r#"transforms/check/a.sql:4: the template cannot be understood at "include 'other.sql'": tried to include non-existing template 'other.sql'"#);
}

#[test]
fn an_example_is_read_with_its_defaults() {
    let text = r#"
[defaults."public.documents"]
id = 1
embedding = { dimensions = 3, fill = 0.5 }
[defaults."public.crates"]
name = "serde"

[[case]]
name = "one"
absent = ["public.crates"]
[[case.given."public.documents"]]
content = "  "
embedding = [1, 2.5]
[[case.given."public.documents"]]
content = { null = true }
[[case.target."public.document_sources"]]
enabled = true
[[case.expected]]
_row = 1

[[case]]
name = "two"
expected = []
"#;
    let project = load(&[("transforms/examples/check_content.toml", text)]).unwrap();
    let example = &project.examples()[0];
    assert_eq!((example.phase, example.transform.as_str()), (TransformPhase::Check, "content"));
    assert_eq!(project.without_example().len(), 4);
    let documents = &example.cases[0].given[&TableName::new("public", "documents")];
    let columns: Vec<_> = documents.columns.iter().map(|(name, vector)| (name.as_str(), *vector)).collect();
    assert_eq!(columns, [("content", false), ("embedding", true), ("id", false)]);
    let rows = |rows: &[Row]| serde_json::to_string(rows).unwrap();
    insta::assert_snapshot!(rows(&documents.rows), @r#"[{"content":"  ","embedding":"[1,2.5]","id":"1"},{"content":null,"embedding":"[0.5,0.5,0.5]","id":"1"}]"#);
    insta::assert_snapshot!(rows(&example.cases[0].target[&TableName::new("public", "document_sources")]), @r#"[{"enabled":"true"}]"#);
    insta::assert_snapshot!(rows(&example.cases[0].expected), @r#"[{"_row":"1"}]"#);
    let tables = |case: &Case| case.given.keys().map(|table| table.table.clone()).collect::<Vec<_>>();
    assert_eq!(tables(&example.cases[0]), ["documents"]);
    assert_eq!(tables(&example.cases[1]), ["crates", "documents"]);
}

#[test]
fn an_example_is_judged() {
    let error = |text: &str| error("transforms/examples/check_content.toml", text);
    let case = |text: &str| error(&format!("[[case]]\nname = \"a\"\n{text}"));
    insta::assert_snapshot!(error(""), @"transforms/examples/check_content.toml: there is no [[case]] in it");
    insta::assert_snapshot!(case("expect = []"), @"transforms/examples/check_content.toml:3: unknown field `expect`, expected one of `name`, `absent`, `given`, `target`, `expected`");
    insta::assert_snapshot!(case(""), @"transforms/examples/check_content.toml:1: missing field `expected`");
    insta::assert_snapshot!(case("expected = []\n[[case]]\nname = \"a\"\nexpected = []"), @r#"transforms/examples/check_content.toml: case "a" is there twice"#);
    insta::assert_snapshot!(case("expected = [{ a = { null = false } }]"), @r#"transforms/examples/check_content.toml: case "a": a: a value is a text, a number, a truth value, a list of numbers, { null = true } or { dimensions = 3, fill = 0.5 }"#);
    insta::assert_snapshot!(case("expected = [{ a = [\"x\"] }]"), @r#"transforms/examples/check_content.toml: case "a": a: "x" is no number, and a list is a vector"#);
    insta::assert_snapshot!(case("expected = [{ a = { dimensions = 0, fill = 1 } }]"), @r#"transforms/examples/check_content.toml: case "a": a: dimensions are 1 to 16000"#);
    insta::assert_snapshot!(case("expected = []\ngiven.\"public.a\" = [{ a = 1 }, { b = 1 }]"), @r#"transforms/examples/check_content.toml: case "a": public.a: a row lacks b, which has no default"#);
    insta::assert_snapshot!(case("expected = []\ngiven.\"public.a\" = [{ _row = 1 }]"), @r#"transforms/examples/check_content.toml: case "a": public.a: _row counts the rows itself; leave it out"#);
    insta::assert_snapshot!(case("expected = []\ngiven.\"a b\" = []"), @r#"transforms/examples/check_content.toml: case "a": "a b" is not a table name: write table, schema.table, or quote a part as in public."MixedCase""#);
    insta::assert_snapshot!(case("expected = []\nabsent = [\"public.a\"]"), @r#"transforms/examples/check_content.toml: case "a": public.a is absent, and nothing says otherwise"#);
}

#[test]
fn the_built_in_project_is_right() {
    let project = Project::builtin().unwrap();
    assert_eq!(project.name, "docs");
    let untested: Vec<_> = project.without_example().iter().map(|file| file.path.as_str()).collect();
    assert!(untested.is_empty(), "{untested:?}");
    let staged = project.normalise.iter().map(|way| (way.from.clone(), way.from.to_sql())).collect();
    let relation = |name: &str| RelationSql {
        canonical: name.into(),
        accepted: name.into(),
        clean: name.into(),
        embedded: name.into(),
    };
    let relations = project.normalise.iter().map(|way| (way.into.clone(), relation(&way.into))).collect();
    for file in project.files() {
        let rows = (file.phase != TransformPhase::Validate).then(|| "the_rows".to_owned());
        project.render(file, &Scope { rows, staged: &staged, relations: &relations }).unwrap();
    }
}

#[test]
fn what_the_manual_shows_loads() {
    let manual = include_str!("../../docs/projects.md");
    let block = |start: &str| {
        let (_, after) = manual.split_once(start).unwrap();
        format!("{start}{}", after.split_once("```").unwrap().0)
    };
    let changes = [
        ("sqlmig.toml", block("[project]\n")),
        ("transforms/check/010_content_empty.sql", block("--! summary: The content")),
        ("transforms/examples/check_content_empty.toml", block("[defaults.")),
    ];
    let changes: Vec<_> = changes.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let project = load(&changes).unwrap();
    assert_eq!(project.settings.options["max_rejects"].as_str(), Some("0.5%"));
    assert_eq!(project.examples()[0].cases.len(), 2);
    let joined = block("from {{ rows }} as documents\n{% if fed");
    assert_eq!(render(&format!("select 1 {joined}")), "select 1 from staging.\"documents\" as documents\n");
}
