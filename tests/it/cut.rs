//! A proxy before the server that loses the answer to a COMMIT, or the COMMIT itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::harness::{Wire, wire};

/// What happens to the COMMIT of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is lost, and the connection with it.
    Commit,
    /// It is passed on, and the connection is cut when the server has answered.
    Answer,
    /// It is lost, and nothing is heard of it: the connection stays open.
    Silence,
}

/// Something that listens on a port of 127.0.0.1 and leads to the server.
pub struct Proxy {
    pub port: u16,
    commits: Arc<AtomicUsize>,
}

impl Proxy {
    /// Does `cut` to the `nth` COMMIT of a batch, counted from 1 over all connections.
    pub async fn start(cut: Cut, nth: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let commits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&commits);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = wire().await;
                // One that is cut ends with an error, which is the point.
                tokio::spawn(pass(client, server, cut, nth, Arc::clone(&counter)));
            }
        });
        Self { port, commits }
    }

    /// Batches that came to their COMMIT so far.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    /// How a client reaches a database through it.
    pub fn url(&self, database: &str) -> String {
        let role = crate::harness::program_role().unwrap_or_else(|| "postgres".into());
        format!("postgres://{role}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }
}

async fn pass(client: TcpStream, server: Wire, cut: Cut, nth: usize, commits: Arc<AtomicUsize>) -> std::io::Result<()> {
    let (mut from_client, to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (muted, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let (mute, answer) = (Arc::clone(&muted), Arc::clone(&answered));
    let back = tokio::spawn(async move {
        let mut to_client: OwnedWriteHalf = to_client;
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            if mute.load(Ordering::SeqCst) {
                // Not the answer to something that was asked before it.
                if buffer[..read].windows(7).any(|part| part == b"COMMIT\0") {
                    answer.notify_one();
                }
            } else if to_client.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        to_client
    });
    let startup = message(&mut from_client, false).await?;
    to_server.write_all(&startup).await?;
    // A batch is recorded by a statement that is parsed once a connection, and bound for each.
    let (mut recording, mut writes_a_batch) = (None, false);
    while let Ok(message) = message(&mut from_client, true).await {
        match message[0] {
            b'P' if message.windows(18).any(|part| part == b"rows_inserted = $3") => recording = name(&message, 0),
            b'B' => writes_a_batch |= recording.is_some() && name(&message, 1) == recording,
            _ => {}
        }
        if writes_a_batch && message.starts_with(b"Q") && message[5..].starts_with(b"COMMIT") {
            writes_a_batch = false;
            if commits.fetch_add(1, Ordering::SeqCst) + 1 == nth {
                muted.store(true, Ordering::SeqCst);
                match cut {
                    Cut::Commit => {}
                    Cut::Answer => {
                        to_server.write_all(&message).await?;
                        answered.notified().await;
                    }
                    Cut::Silence => {
                        // The server sees a client that is gone; the client sees nothing at all.
                        to_server.shutdown().await?;
                        tokio::io::copy(&mut from_client, &mut tokio::io::sink()).await?;
                    }
                }
                back.abort();
                return Ok(());
            }
        }
        to_server.write_all(&message).await?;
    }
    to_server.shutdown().await
}

/// One of the names that a message begins with, counted from 0.
fn name(message: &[u8], nth: usize) -> Option<Vec<u8>> {
    message[5..].split(|byte| *byte == 0).nth(nth).map(<[u8]>::to_vec)
}

/// A message of a client; the first has no kind.
async fn message(from: &mut OwnedReadHalf, has_kind: bool) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    if has_kind {
        message.push(from.read_u8().await?);
    }
    let length = from.read_u32().await?;
    message.extend_from_slice(&length.to_be_bytes());
    let head = message.len();
    message.resize(head + length as usize - 4, 0);
    from.read_exact(&mut message[head..]).await?;
    Ok(message)
}
