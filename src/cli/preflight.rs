//! `sqlmig preflight`.

use sqlmig::outcome::Light;
use sqlmig::pipeline::Conductor;
use sqlmig::preflight::{Wanted, preflight};
use sqlmig::report;
use sqlmig::telemetry::Display;

use super::args::PreflightArgs;
use super::failure::{ExitCode, Failure};
use super::options::{OTHER_CONNECTIONS, lanes, open, stage_options};
use super::server::Server;
use super::settings::Settings;
use super::show::show;

/// Says whether everything is ready; what is red ends with exit code 3.
pub async fn show_preflight(
    typed: &PreflightArgs,
    conductor: &Conductor,
    server: &Server,
    settings: &Settings,
    display: &Display,
) -> Result<(), Failure> {
    let source = match typed.source() {
        Some(source) => {
            let first = open(&source, settings, conductor).await?;
            // Read twice: once to the end, and its beginning once more to be measured.
            let again = match source.source.as_deref().and_then(std::path::Path::to_str) {
                Some("-") => None,
                _ => Some(open(&source, settings, conductor).await?),
            };
            Some((first, again))
        }
        None => None,
    };
    let folder = server.data_folder();
    let wanted = Wanted {
        target: &server.target,
        project: &conductor.project,
        stage: stage_options(settings, &conductor.project),
        embed: &conductor.embed,
        max_connections: settings.max_connections,
        least_connections: u32::try_from(OTHER_CONNECTIONS + lanes()).unwrap_or(u32::MAX),
        data_folder: folder.as_deref(),
        strict: typed.strict,
        stop: &conductor.stop,
    };
    let outcome = preflight(&wanted, source).await?;
    show(settings, display, |view, out| report::render_preflight(&outcome, view, out))?;
    if outcome.ready {
        return Ok(());
    }
    let count = |light: Light| outcome.findings.iter().filter(|finding| finding.light == light).count();
    let (red, yellow) = (count(Light::Red), count(Light::Yellow));
    let what = match red {
        0 => format!("not ready: {yellow} findings are yellow, which --strict counts as red"),
        _ => format!("not ready: {red} findings are red"),
    };
    Err(Failure::new(ExitCode::Data, what).with_hint(Some("each finding says what to do about it".to_owned())))
}
