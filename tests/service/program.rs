//! An embeddings service to try sqlmig with, without a key and without cost: texts with words in common are near each other, and that
//! is all it knows.
//!
//! `cargo run --example embeddings-server [ADDRESS [MODEL [DIMENSIONS]]]`; by default 127.0.0.1:8090, text-embedding-3-large, 3072.

#[expect(dead_code, reason = "what the tests tell it to do wrong")]
#[path = "server.rs"]
mod server;

use server::Service;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let model = arguments.next().unwrap_or_else(|| "text-embedding-3-large".to_owned());
    let dimensions = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3072);
    let service = Service::start(&address, &model, dimensions).await?;
    println!("export SQLMIG_EMBEDDING_URL={}", service.url());
    let (mut requests, mut vectors) = (0, 0);
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let now = (service.state.requests(), service.state.vectors());
        if now != (requests, vectors) {
            (requests, vectors) = now;
            eprintln!("{requests} requests, {vectors} vectors, {} texts asked for twice", service.state.repeated());
        }
    }
}
