//! The target of a command, and the embedded server behind it where no target is named.

use std::path::PathBuf;

use secrecy::ExposeSecret;
use sqlmig::db::environment::Environment;
use sqlmig::db::{Embedded, EmbeddedOptions, Target};
use sqlmig::event::Event;
use sqlmig::telemetry::Display;

use super::failure::Failure;
use super::settings::Settings;

/// The target, and the server that was started for it, if one was.
pub struct Server {
    /// How to reach the target.
    pub target: Target,
    embedded: Option<Embedded>,
}

impl Server {
    /// Takes the target that is named, or starts a server.
    pub async fn open(settings: &Settings, display: &Display) -> Result<Self, Failure> {
        if let Some(url) = &settings.database_url {
            let target = Target::parse(url.expose_secret())?;
            for warning in target.warnings() {
                display.events().warn(warning);
            }
            return Ok(Self { target, embedded: None });
        }
        let environment = Environment::of_process();
        let options = EmbeddedOptions {
            binaries: settings.embedded.postgres_bin.clone(),
            fetch: settings.embedded.fetch,
            ..EmbeddedOptions::new(settings.embedded.dir.clone(), EmbeddedOptions::default_cache(&environment))
        };
        let embedded = Embedded::start(options).await?;
        display.events().emit(Event::ServerReady { detail: embedded.description().to_owned() });
        Ok(Self { target: embedded.target(), embedded: Some(embedded) })
    }

    /// Where the server that was started keeps its data, if one was.
    pub fn data_folder(&self) -> Option<PathBuf> {
        self.embedded.as_ref().map(|embedded| embedded.folder().to_owned())
    }

    /// Leaves the server.
    pub async fn close(self) -> Result<(), Failure> {
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }
}
