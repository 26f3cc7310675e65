//! The embeddings service: an endpoint that speaks `OpenAI`'s `/v1/embeddings`, wherever it is.
//!
//! One request goes out, one judged answer comes back; what to do about a failure is the caller's, who is told which kind it
//! is. How much may be asked at once is the [`Throttle`]'s.

mod answer;
mod client;
mod components;
mod endpoint;
mod error;
mod resolve;
mod throttle;

pub use answer::{Answer, cosine};
pub use client::{Answered, Client, web_tls};
pub use endpoint::{Endpoint, EndpointOptions, VectorSpace};
pub use error::{EndpointError, RequestError};
pub use throttle::Throttle;
