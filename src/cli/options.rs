//! From settings to what the phases take.

use std::io;

use secrecy::SecretString;
use sqlmig::decode::ScanOptions;
use sqlmig::names::PARTS_SCHEMA;
use sqlmig::pipeline::Conductor;
use sqlmig::project::Project;
use sqlmig::promote::PromoteOptions;
use sqlmig::source::remote::{Location, RemoteSpec};
use sqlmig::source::tree::{self, Root, TreeSpec, parts_table};
use sqlmig::source::{self, Source, SourceError, SourceSpec};
use sqlmig::stage::StageOptions;

use super::args::SourceArgs;
use super::failure::{ExitCode, Failure};
use super::settings::Settings;

/// PostgreSQL holds no field of 1 GiB or more (`MaxAllocSize`), so a longer row could not be sent whatever the setting.
const LONGEST_ROW_BYTES: usize = (1 << 30) - 1;

/// Opens what was typed: trees, a URL, a file, or stdin for `-`.
///
/// # Errors
/// It can't be opened, or the project does not know documents of that type.
pub async fn open(typed: &SourceArgs, settings: &Settings, conductor: &Conductor) -> Result<Source, Failure> {
    let project = &conductor.project;
    let spec = spec(typed, settings, conductor)?;
    let opened = tokio::task::spawn_blocking(move || source::open(&spec)).await;
    let source = opened.map_err(io::Error::other)??;
    let known = |doc_type: &str| project.normalise.iter().any(|file| file.from == parts_table(doc_type));
    if let Some(unknown) = source.types().iter().find(|doc_type| !known(doc_type)) {
        let parts = project.normalise.iter().map(|file| &file.from);
        let names: Vec<&str> = parts
            .filter(|table| table.schema.as_deref() == Some(PARTS_SCHEMA))
            .map(|table| table.table.as_str())
            .collect();
        let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let what = format!("project {} has no documents of type {unknown}; its types are {has}", project.name);
        let hint = format!(
            "write transforms/normalise/{unknown}.sql with from: {PARTS_SCHEMA}.{unknown} (docs/adding-a-document-type.md)"
        );
        return Err(Failure::new(ExitCode::Usage, what).with_hint(Some(hint)));
    }
    Ok(source)
}

/// Where a source is.
fn spec(typed: &SourceArgs, settings: &Settings, conductor: &Conductor) -> Result<SourceSpec, Failure> {
    let url = typed.source.as_ref().and_then(|source| Location::recognise(source.to_str()?));
    if let Some(location) = url.transpose().map_err(SourceError::from)? {
        return Ok(SourceSpec::Remote(Box::new(RemoteSpec {
            location,
            aws: aws_variables(),
            allow_http: settings.remote.allow_http,
            patience: settings.remote.timeout,
            events: conductor.events.clone(),
        })));
    }
    let tree = typed.source.as_ref().and_then(|path| tree::path_of(path));
    let roots = match tree {
        Some(path) => vec![Root { doc_type: None, name: None, path }],
        None => typed.sources.clone(),
    };
    Ok(match &typed.source {
        Some(path) if roots.is_empty() => match path.to_str() {
            Some("-") => SourceSpec::Stdin,
            _ => SourceSpec::File(path.clone()),
        },
        _ => SourceSpec::Tree(Box::new(TreeSpec {
            roots,
            prune: settings.prune,
            file_limit_bytes: settings.file_limit.0,
            part_tokens: conductor.embed.tokens_per_text,
            tokenizer: conductor.embed.tokenizer,
            decoded_by: conductor.project.hash.clone(),
            program: Some(std::env::current_exe().map_err(|error| {
                let display = "this program, to have it read PDFs".to_owned();
                SourceError::Open { display, error }
            })?),
        })),
    })
}

/// The variables that say how S3 is reached and who asks, as every program of that kind takes them.
fn aws_variables() -> Vec<(String, SecretString)> {
    let named =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    named
        .filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty())
        .map(|(name, value)| (name, value.into()))
        .collect()
}

/// How to scan a source.
pub fn scan_options(settings: &Settings) -> ScanOptions {
    ScanOptions {
        row_limit_bytes: usize::try_from(settings.row_limit.0).unwrap_or(usize::MAX).min(LONGEST_ROW_BYTES),
        database: settings.database.clone(),
        ..ScanOptions::default()
    }
}

/// How to stage it.
pub fn stage_options(settings: &Settings, project: &Project) -> StageOptions {
    StageOptions {
        only: settings.tables.clone(),
        scan: scan_options(settings),
        digested: project.settings.digest.clone(),
        max_rejects: settings.max_rejects,
        lanes: lanes(),
        timeouts: settings.timeouts,
    }
}

/// Lanes of staging: more than two gain nothing, since one thread scans for all of them.
pub fn lanes() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

/// Connections that a run needs besides those of its workers: the lock, the conductor's own, a check's results.
pub const OTHER_CONNECTIONS: usize = 4;

/// Workers that there are connections for.
pub fn most_workers(settings: &Settings) -> usize {
    usize::try_from(settings.max_connections).unwrap_or(usize::MAX).saturating_sub(OTHER_CONNECTIONS).max(1)
}

/// How to promote.
pub fn promote_options(settings: &Settings) -> PromoteOptions {
    PromoteOptions {
        batch_size: settings.batch_size,
        parallel: settings.parallel,
        most_workers: most_workers(settings),
        timeouts: settings.timeouts,
        max_refused: settings.max_rejects,
    }
}
