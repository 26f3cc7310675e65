//! `sqlmig search`: the rows nearest to a text or a vector.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use sqlmig::outcome::{FORMAT, SearchReport};
use sqlmig::pipeline::Conductor;
use sqlmig::report;
use sqlmig::search;
use sqlmig::telemetry::Display;

use super::failure::{ExitCode, Failure};
use super::settings::Settings;
use super::show::show;

/// Shows the rows nearest to a text, or to the vector in a file.
pub async fn search(
    conductor: &Conductor,
    settings: &Settings,
    display: &Display,
    text: Option<&str>,
    file: Option<&Path>,
) -> Result<(), Failure> {
    let vector = match (file, text) {
        (Some(path), _) => read(path)?,
        (None, text) => {
            let client = conductor.embed.client.as_ref().ok_or_else(|| {
                Failure::new(ExitCode::Usage, "no embeddings service is named that makes the text's vector")
                    .with_hint(Some("name one with --embedding-url, or give a vector with --vector FILE".to_owned()))
            })?;
            search::vector_of(client, text.unwrap_or_default()).await?
        }
    };
    let (hits, index_used) =
        search::search(&conductor.pool, &conductor.project, &vector, i64::from(settings.top)).await?;
    let found = SearchReport { format: FORMAT, index_used, hits };
    show(settings, display, |view, out| report::render_search(&found, view, out))
}

/// A vector as JSON.
fn read(path: &Path) -> Result<Vec<f32>, Failure> {
    let wrong = |reason: String| {
        Failure::new(ExitCode::Usage, format!("{} holds no vector: {reason}", path.display()))
            .with_hint(Some("a vector is JSON, as [0.1, 0.2]".to_owned()))
    };
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    } else {
        text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    }
    let vector: Vec<f32> = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if vector.iter().any(|value| !value.is_finite()) {
        return Err(wrong("a value is not finite".into()));
    }
    Ok(vector)
}
