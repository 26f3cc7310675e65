//! From options to a service that may be asked for embeddings.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use sqlmig::embed::EmbedOptions;
use sqlmig::provider::{Client, Endpoint, EndpointOptions, VectorSpace};
use sqlmig::tokens::{DEFAULT_TOKENIZER, Tokenizer};

use super::args::EmbeddingArgs;
use super::failure::{ExitCode, Failure};
use super::settings::file::FileSettings;

/// Where the key is, unless a file is named.
const KEY: &str = "SQLMIG_EMBEDDING_KEY";
/// Texts of one request: more makes what one failure repeats larger, and gains nothing that was measured.
const TEXTS_PER_REQUEST: u32 = 128;
/// Tokens of one request; `OpenAI` takes 300,000.
const TOKENS_PER_REQUEST: u32 = 100_000;
/// What `OpenAI`'s models take of one text.
const TOKENS_PER_TEXT: u32 = 8191;
/// Requests at once.
const CONCURRENCY: u32 = 8;
/// With pauses that double from a quarter of a second: about half a minute.
const ATTEMPTS: u32 = 8;
/// Time for an answer.
const TIMEOUT: Duration = Duration::from_mins(1);

/// What holds about embeddings.
#[derive(Debug, Clone, Default)]
pub struct EmbeddingSettings {
    url: Option<String>,
    model: Option<String>,
    dimensions: Option<u32>,
    provider: Option<String>,
    key_file: Option<PathBuf>,
    batch: Option<u32>,
    batch_tokens: Option<u32>,
    input_tokens: Option<u32>,
    tokenizer: Option<String>,
    concurrency: Option<u32>,
    attempts: Option<u32>,
    timeout: Option<Duration>,
    price: Option<f64>,
    max_cost: Option<f64>,
    max_tokens: Option<u64>,
    proxy: Option<String>,
    allow_http: bool,
    send_dimensions: Option<bool>,
}

impl EmbeddingSettings {
    /// What was typed, else what the file says.
    pub fn resolve(typed: Option<&EmbeddingArgs>, file: &FileSettings) -> Self {
        let nothing = EmbeddingArgs::default();
        let typed = typed.unwrap_or(&nothing);
        let text = |typed: &Option<String>, file: &Option<String>| {
            typed.clone().or_else(|| file.clone()).filter(|text| !text.trim().is_empty())
        };
        Self {
            url: text(&typed.embedding_url, &file.embedding_url),
            model: text(&typed.embedding_model, &file.embedding_model),
            dimensions: typed.embedding_dimensions.or(file.embedding_dimensions),
            provider: text(&typed.embedding_provider, &file.embedding_provider),
            key_file: typed.embedding_key_file.clone().or_else(|| file.embedding_key_file.clone()),
            batch: typed.embedding_batch.or(file.embedding_batch),
            batch_tokens: typed.embedding_batch_tokens.or(file.embedding_batch_tokens),
            input_tokens: typed.embedding_input_tokens.or(file.embedding_input_tokens),
            tokenizer: text(&typed.embedding_tokenizer, &file.embedding_tokenizer),
            concurrency: typed.embedding_concurrency.or(file.embedding_concurrency),
            attempts: typed.embedding_attempts.or(file.embedding_attempts),
            timeout: typed.embedding_timeout.or(file.embedding_timeout).map(|time| time.0),
            price: typed.embedding_price.or(file.embedding_price),
            max_cost: typed.max_cost.or(file.max_cost),
            max_tokens: typed.max_tokens.or(file.max_tokens),
            proxy: text(&typed.embedding_proxy, &file.embedding_proxy),
            allow_http: typed.embedding_allow_http.or(file.embedding_allow_http).unwrap_or(false),
            send_dimensions: typed.embedding_send_dimensions.or(file.embedding_send_dimensions),
        }
    }

    /// What the phases take.
    ///
    /// # Errors
    /// A service is named, and it or its model cannot be asked.
    pub fn options(&self) -> Result<EmbedOptions, Failure> {
        let wrong = |what: &str, hint: &str| Failure::new(ExitCode::Usage, what).with_hint(Some(hint.to_owned()));
        let provider = match (&self.provider, &self.url) {
            (Some(provider), _) => Some(provider.clone()),
            (None, Some(url)) => Some(Endpoint::provider_of(url)?),
            (None, None) => None,
        };
        let space = match (provider, &self.model, self.dimensions) {
            (Some(provider), Some(model), Some(dimensions)) => {
                Some(VectorSpace { provider, model: model.clone(), dimensions })
            }
            _ => None,
        };
        let client = match (&self.url, &space) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(wrong(
                    "an embeddings service is named, but not its model and its dimensions",
                    "name them with --embedding-model and --embedding-dimensions",
                ));
            }
            (Some(url), Some(space)) => {
                let options = EndpointOptions {
                    url: url.clone(),
                    key: self.key()?,
                    allow_http: self.allow_http,
                    proxy: self.proxy.clone(),
                    timeout: self.timeout.unwrap_or(TIMEOUT),
                    send_dimensions: self.send_dimensions,
                };
                Some(Client::new(Endpoint::new(options, space.clone())?)?)
            }
        };
        if self.max_cost.is_some() && self.price.is_none() {
            return Err(wrong(
                "--max-cost needs a price to count with",
                "give the price of a million tokens with --embedding-price",
            ));
        }
        let count = |given: Option<u32>, usual: u32| given.unwrap_or(usual).max(1) as usize;
        Ok(EmbedOptions {
            space,
            client,
            tokenizer: Tokenizer::named(self.tokenizer.as_deref().unwrap_or(DEFAULT_TOKENIZER))?,
            texts_per_request: count(self.batch, TEXTS_PER_REQUEST),
            tokens_per_request: count(self.batch_tokens, TOKENS_PER_REQUEST),
            tokens_per_text: count(self.input_tokens, TOKENS_PER_TEXT),
            concurrency: count(self.concurrency, CONCURRENCY),
            attempts: self.attempts.unwrap_or(ATTEMPTS),
            price: self.price,
            max_cost: self.max_cost,
            max_tokens: self.max_tokens,
        })
    }

    /// The key: the file's first line, or the environment's.
    fn key(&self) -> Result<Option<SecretString>, Failure> {
        let text = match &self.key_file {
            Some(path) => Some(fs::read_to_string(path).map_err(|error| {
                let what = format!("the key's file {} cannot be read: {error}", path.display());
                Failure::new(ExitCode::Usage, what).with_hint(Some("see to --embedding-key-file".to_owned()))
            })?),
            None => std::env::var(KEY).ok(),
        };
        let key = text.as_deref().map(|text| text.lines().next().unwrap_or_default().trim().to_owned());
        Ok(key.filter(|key| !key.is_empty()).map(SecretString::from))
    }
}
