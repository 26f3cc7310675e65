//! `sqlmig test`: the project's examples, in a database of their own.

use sqlmig::db::Target;
use sqlmig::db::scratch::Scratch;
use sqlmig::embed::EmbedOptions;
use sqlmig::event::Events;
use sqlmig::examples;
use sqlmig::pipeline::{Conductor, Vitals};
use sqlmig::project::Project;
use sqlmig::report;
use sqlmig::stop::Stop;
use sqlmig::telemetry::Display;

use super::failure::{ExitCode, Failure};
use super::options::OTHER_CONNECTIONS;
use super::settings::Settings;
use super::show::show;

/// Runs the project's examples in a database of their own.
pub async fn test_examples(
    settings: &Settings,
    project: &Project,
    display: &Display,
    target: &Target,
    names: &[String],
) -> Result<(), Failure> {
    let scratch = Scratch::create(target).await?;
    let outcome = async {
        let pool = scratch.target().pool(OTHER_CONNECTIONS)?;
        let conductor = Conductor {
            pool,
            project: project.clone(),
            events: Events::none(),
            vitals: Vitals::default(),
            stop: Stop::default(),
            holder: None,
            embed: EmbedOptions::default(),
        };
        conductor.migrate(true).await?;
        Ok::<_, Failure>(examples::run(&conductor.pool, project, names, |_| {}).await?)
    };
    let outcome = outcome.await;
    scratch.remove().await?;
    let outcome = outcome?;
    show(settings, display, |view, out| report::render_examples(&outcome, view, out))?;
    let failed = outcome.cases.iter().filter(|case| !case.passed).count();
    match (failed, outcome.cases.len()) {
        (0, 0) => Err(Failure::new(ExitCode::Usage, "no example was run")
            .with_hint(Some("name part of an example's file, or none to run all".to_owned()))),
        (0, _) => Ok(()),
        (failed, all) => Err(Failure::new(ExitCode::Data, format!("{failed} of {all} examples failed"))),
    }
}
