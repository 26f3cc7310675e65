//! How embeddings are fetched.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use sqlmig::limits::TimeSpan;

/// How embeddings are fetched.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Embeddings")]
pub struct EmbeddingArgs {
    /// The embeddings service: the base URL of an OpenAI-compatible one, as https://api.openai.com/v1, or the URL of an
    /// Azure deployment with its api-version [default: none; rows without an embedding stay without]
    ///
    /// The key is given by SQLMIG_EMBEDDING_KEY or in a file by --embedding-key-file, never in a flag.
    #[arg(long, value_name = "URL", env = "SQLMIG_EMBEDDING_URL")]
    pub embedding_url: Option<String>,
    /// The model [default: what the project says]
    #[arg(long, value_name = "NAME", env = "SQLMIG_EMBEDDING_MODEL")]
    pub embedding_model: Option<String>,
    /// Dimensions of its vectors [default: what the project says]
    #[arg(long, value_name = "N", env = "SQLMIG_EMBEDDING_DIMENSIONS", value_parser = clap::value_parser!(u32).range(1..=16_000))]
    pub embedding_dimensions: Option<u32>,
    /// What the service is called in the ledger [default: the URL's host]
    #[arg(long, value_name = "NAME", env = "SQLMIG_EMBEDDING_PROVIDER")]
    pub embedding_provider: Option<String>,
    /// A file that holds the key
    #[arg(long, value_name = "FILE", env = "SQLMIG_EMBEDDING_KEY_FILE")]
    pub embedding_key_file: Option<PathBuf>,
    /// Texts of one request [default: 128]
    #[arg(long, value_name = "N", env = "SQLMIG_EMBEDDING_BATCH", value_parser = clap::value_parser!(u32).range(1..=2048))]
    pub embedding_batch: Option<u32>,
    /// Tokens of one request [default: 100000]
    #[arg(long, value_name = "N", env = "SQLMIG_EMBEDDING_BATCH_TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    pub embedding_batch_tokens: Option<u32>,
    /// Tokens that the model takes of one text; longer texts are not sent [default: 8191]
    #[arg(long, value_name = "N", env = "SQLMIG_EMBEDDING_INPUT_TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    pub embedding_input_tokens: Option<u32>,
    /// How tokens are counted: cl100k_base, o200k_base, p50k_base or r50k_base [default: cl100k_base]
    #[arg(long, value_name = "NAME", env = "SQLMIG_EMBEDDING_TOKENIZER")]
    pub embedding_tokenizer: Option<String>,
    /// Requests at once, at most; fewer while the service is slow or says no [default: 8]
    #[arg(long, value_name = "N", env = "SQLMIG_EMBEDDING_CONCURRENCY", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub embedding_concurrency: Option<u32>,
    /// Failures without a success between, after which the service counts as down (exit code 8) [default: 8]
    #[arg(long, value_name = "N", env = "SQLMIG_EMBEDDING_ATTEMPTS", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub embedding_attempts: Option<u32>,
    /// How long an answer may take [default: 1min]
    #[arg(long, value_name = "TIME", env = "SQLMIG_EMBEDDING_TIMEOUT")]
    pub embedding_timeout: Option<TimeSpan>,
    /// Price of a million tokens, in any currency
    #[arg(long, value_name = "PRICE", env = "SQLMIG_EMBEDDING_PRICE", value_parser = amount)]
    pub embedding_price: Option<f64>,
    /// Stop before the run's embeddings cost more, in the currency of the price
    #[arg(long, value_name = "COST", env = "SQLMIG_MAX_COST", value_parser = amount)]
    pub max_cost: Option<f64>,
    /// Stop before the run sends more tokens to the service
    #[arg(long, value_name = "N", env = "SQLMIG_MAX_TOKENS")]
    pub max_tokens: Option<u64>,
    /// A proxy for the service, as http://proxy:3128 [default: none, whatever the environment says]
    #[arg(long, value_name = "URL", env = "SQLMIG_EMBEDDING_PROXY", hide_env_values = true)]
    pub embedding_proxy: Option<String>,
    /// Send texts and key unencrypted to another machine
    #[arg(long, value_name = "BOOL", env = "SQLMIG_EMBEDDING_ALLOW_HTTP", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub embedding_allow_http: Option<bool>,
    /// Name the dimensions in each request [default: for the models text-embedding-3-…, which shorten their vectors]
    #[arg(long, value_name = "BOOL", env = "SQLMIG_EMBEDDING_SEND_DIMENSIONS", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub embedding_send_dimensions: Option<bool>,
}

/// An amount of money.
fn amount(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(amount),
        _ => Err(format!("{text:?} is no amount: write it as 0.13")),
    }
}
