//! From where a source is to the object store that has it, and to the object's name there.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::ClientConfigKey;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use reqwest::Url;
use secrecy::ExposeSecret;

use super::error::deepest;
use super::location::{Place, is_plain};
use super::wire::Wire;
use super::{LocationError, RemoteError, RemoteSpec};

/// The store of a source, the object's name in it, and what sees its answers.
pub(super) struct Opened {
    pub store: Arc<dyn ObjectStore>,
    pub path: Path,
    pub wire: Wire,
}

/// The store that has a source. Nothing is asked yet.
///
/// # Errors
/// It would be read without encryption, or the credentials are half given.
pub(super) fn open(spec: &RemoteSpec) -> Result<Opened, LocationOr> {
    let place = spec.location.to_string();
    let unusable = |error: object_store::Error| {
        let why = deepest(&error);
        LocationOr::Remote(RemoteError::Unusable { place: place.clone(), why })
    };
    if spec.location.is_plain() && !spec.allow_http {
        return Err(LocationOr::Location(LocationError::Plain(place)));
    }
    // Trying again is decided in one place, which also knows how far the reading has come.
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 0, retry_timeout: Duration::ZERO };
    match &spec.location.place {
        Place::Web { url, login } => {
            let wire = Wire::new(login.clone(), spec.patience);
            let store = HttpBuilder::new()
                .with_url(url.as_str())
                .with_config(ClientConfigKey::AllowHttp, (url.scheme() == "http").to_string())
                .with_retry(retry)
                .with_http_connector(wire.clone())
                .build()
                .map_err(unusable)?;
            // The URL is the object's own, to the letter: nothing is added to its path.
            Ok(Opened { store: Arc::new(store), path: Path::default(), wire })
        }
        Place::S3 { bucket, key } => {
            let wire = Wire::new(None, spec.patience);
            let mut builder = AmazonS3Builder::new().with_retry(retry).with_http_connector(wire.clone());
            for (name, value) in &spec.aws {
                // Variables of other tools, such as AWS_PROFILE, mean nothing here.
                if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                    builder = builder.with_config(key, value.expose_secret());
                }
            }
            let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
                .iter()
                .find_map(|key| builder.get_config_value(key))
                .and_then(|endpoint| Url::parse(&endpoint).ok());
            let allows = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
            let allowed = spec.allow_http || builder.get_config_value(&allows).is_some_and(|value| value == "true");
            if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.scheme() == "http") {
                if is_plain(&endpoint) && !allowed {
                    return Err(LocationOr::Location(LocationError::Plain(place)));
                }
                builder = builder.with_config(allows, "true");
            }
            let store = builder.with_bucket_name(bucket).build().map_err(unusable)?;
            Ok(Opened { store: Arc::new(store), path: key.clone(), wire })
        }
    }
}

/// Why there is no store: what was typed does not do, or the settings do not.
pub(super) enum LocationOr {
    Location(LocationError),
    Remote(RemoteError),
}
