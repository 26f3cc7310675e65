//! A network that fails on demand: a TCP proxy that understands as much of the protocol as it takes to count messages.
//!
//! PostgreSQL's messages are a type byte, a length and a body; only the client's first has no type (manual, "Message
//! Formats"). The server is reached over its unix socket, so that what is on the wire is plain.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use socket2::{SockFilter, SockRef};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What every connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Messages come through.
    Fine,
    /// Every connection is reset, and new ones are made.
    Reset,
    /// Every connection is reset, and so is every new one.
    Down,
    /// Nothing comes through and nothing is answered, not even by the kernel.
    BlackHole,
}

/// A moment between client and server that has no place in the code of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// `COMMIT batch`: the answer to the COMMIT of a transaction that wrote to this table of the ledger last. `CopyDone`:
    /// the answer to the end of a COPY.
    pub what: String,
    /// Which of these, from 1.
    pub nth: u32,
}

/// How long nobody is let in after a cut.
const DOWN: Duration = Duration::from_secs(1);

/// On which side of a message the line is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It does not arrive, and the other connections live.
    Before,
    /// It arrives; every connection is cut, and no new one is made for a while.
    After,
}

/// What is to happen at a message.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The message at which to cut, from 1.
    pub cut: Option<(u64, Side)>,
    /// The answer to hold back, and the folder in which this is said (`reached`) and ended (`go`).
    pub hold: Option<(Wire, PathBuf)>,
}

/// What has come through.
#[derive(Debug, Default)]
struct Seen {
    messages: u64,
    /// How often each kind of moment has come.
    wires: HashMap<String, u32>,
    order: Vec<String>,
    cut: bool,
}

struct Shared {
    socket: PathBuf,
    plan: Plan,
    seen: Mutex<Seen>,
    weather: watch::Sender<Weather>,
}

/// A proxy, until it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        // Whoever still hangs on is let go: as keepalives do, in time.
        self.shared.weather.send_replace(Weather::Down);
    }
}

impl Proxy {
    pub async fn start(socket: &Path, plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let weather = watch::Sender::new(Weather::Fine);
        let shared = Arc::new(Shared { socket: socket.to_owned(), plan, seen: Mutex::default(), weather });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, accepting }
    }

    /// How sqlmig reaches a database through it, with little patience for silence.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable&connect_timeout=2&keepalives_idle=1\
             &keepalives_interval=1&keepalives_count=2&tcp_user_timeout=2000",
            self.port
        )
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        self.shared.weather.send_replace(weather);
    }

    /// Messages that came through, both ways and on all connections.
    pub fn messages(&self) -> u64 {
        self.shared.seen().messages
    }

    /// Whether the line was cut as planned.
    pub fn was_cut(&self) -> bool {
        self.shared.seen().cut
    }

    /// The moments that came, in their order.
    pub fn wires(&self) -> Vec<Wire> {
        let mut counts: HashMap<String, u32> = HashMap::new();
        let seen = self.shared.seen();
        let wires = seen.order.iter().map(|what| {
            let count = counts.entry(what.clone()).or_default();
            *count += 1;
            Wire { what: what.clone(), nth: *count }
        });
        wires.collect()
    }
}

impl Shared {
    /// Resets everything, and lets nobody in for a while.
    fn down_for_a_while(&self) {
        let weather = self.weather.clone();
        weather.send_replace(Weather::Down);
        tokio::spawn(async move {
            tokio::time::sleep(DOWN).await;
            weather.send_replace(Weather::Fine);
        });
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Counts a message; says on which side of it to cut.
    fn count(&self) -> Option<Side> {
        let mut seen = self.seen();
        seen.messages += 1;
        let side = self.plan.cut.filter(|(at, _)| *at == seen.messages).map(|(_, side)| side);
        seen.cut |= side.is_some();
        side
    }

    /// Counts a moment; says where to tell of it if its answer is to be held back.
    fn moment(&self, what: String) -> Option<PathBuf> {
        let mut seen = self.seen();
        seen.order.push(what.clone());
        let count = seen.wires.entry(what.clone()).or_default();
        *count += 1;
        let here = Wire { what, nth: *count };
        self.plan.hold.as_ref().filter(|(wire, _)| *wire == here).map(|(_, folder)| folder.clone())
    }
}

/// Filters every packet out: with a length of 0 kept of each, the kernel drops it unseen and unanswered.
fn swallow(socket: &SockRef<'_>) {
    const RETURN_CONSTANT: u16 = 0x06;
    socket.attach_filter(&[SockFilter::new(RETURN_CONSTANT, 0, 0, 0)]).unwrap();
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut weather = shared.weather.subscribe();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                let now = *shared.weather.borrow();
                if now == Weather::Down {
                    reset(&client);
                } else {
                    tokio::spawn(connection(client, Arc::clone(&shared)));
                }
            }
            Ok(()) = weather.changed() => {
                match *weather.borrow_and_update() {
                    Weather::BlackHole => swallow(&SockRef::from(&listener)),
                    // Where none is attached there is none to take away.
                    _ => drop(SockRef::from(&listener).detach_filter()),
                }
            }
        }
    }
}

/// Has the peer get a reset when the socket is closed.
fn reset(client: &TcpStream) {
    // A connection that is gone cannot be reset.
    let _ = SockRef::from(client).set_linger(Some(Duration::ZERO));
}

/// One direction's bytes, cut into messages.
#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    /// Whether the next message is the client's first.
    untyped: bool,
}

impl Stream {
    /// The next message, if all of it is there.
    fn message(&mut self) -> Option<Vec<u8>> {
        let start = usize::from(!self.untyped);
        let length: [u8; 4] = self.bytes.get(start..start + 4)?.try_into().ok()?;
        let end = start + u32::from_be_bytes(length) as usize;
        if self.bytes.len() < end {
            return None;
        }
        self.untyped = false;
        let rest = self.bytes.split_off(end);
        Some(std::mem::replace(&mut self.bytes, rest))
    }
}

/// What one connection is at.
#[derive(Default)]
struct Talk {
    /// The table of the ledger that its transaction wrote to last.
    wrote: Option<String>,
    /// The answer that is held back: where to tell of it, and what it is.
    held: Option<(PathBuf, Vec<u8>)>,
    /// Whether it has come in full.
    told: bool,
}

impl Talk {
    /// Takes note of a message of the client's.
    fn note(&mut self, message: &[u8], shared: &Shared) {
        let moment = match message.first() {
            Some(b'Q') if text(message).starts_with("COMMIT") => {
                Some(format!("COMMIT {}", self.wrote.take().unwrap_or_else(|| "of reading".into())))
            }
            Some(b'Q') if text(message).starts_with("BEGIN") || text(message).starts_with("START") => {
                self.wrote = None;
                None
            }
            Some(b'Q' | b'P') => {
                self.wrote = written(&text(message)).or(self.wrote.take());
                None
            }
            Some(b'c') => Some("CopyDone".into()),
            _ => None,
        };
        if let Some(folder) = moment.and_then(|moment| shared.moment(moment)) {
            self.held = Some((folder, Vec::new()));
        }
    }
}

fn text(message: &[u8]) -> String {
    String::from_utf8_lossy(message.get(5..).unwrap_or_default()).into_owned()
}

/// The table of the ledger that a statement writes to.
fn written(statement: &str) -> Option<String> {
    let verbs = ["insert into sqlmig.", "update sqlmig.", "delete from sqlmig."];
    let (at, verb) = verbs.iter().filter_map(|verb| Some((statement.find(verb)?, verb))).min()?;
    let rest = &statement[at + verb.len()..];
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

/// Carries one connection until it ends or is cut.
async fn connection(mut client: TcpStream, shared: Arc<Shared>) {
    let _ = client.set_nodelay(true);
    let Ok(mut server) = UnixStream::connect(&shared.socket).await else { return reset(&client) };
    let mut weather = shared.weather.subscribe();
    let (mut up, mut down) = (Stream { untyped: true, ..Stream::default() }, Stream::default());
    let mut talk = Talk::default();
    loop {
        let held = talk.held.clone().filter(|_| talk.told).map(|(folder, _)| folder);
        let outcome = tokio::select! {
            read = client.read_buf(&mut up.bytes) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => forward_up(&mut up, &mut server, &mut talk, &shared).await,
            },
            read = server.read_buf(&mut down.bytes) => match read {
                Ok(0) | Err(_) => {
                    // The server is gone: what it said last is on its way already.
                    return;
                }
                Ok(_) => forward_down(&mut down, &mut client, &mut talk, &shared).await,
            },
            Ok(()) = weather.changed() => {
                let now = *weather.borrow_and_update();
                match now {
                    Weather::Fine => Ok(true),
                    Weather::Reset | Weather::Down => Ok(false),
                    Weather::BlackHole => {
                        swallow(&SockRef::from(&client));
                        // Both ends stay open, and nothing moves, until the weather changes.
                        let _ = weather.changed().await;
                        Ok(false)
                    }
                }
            }
            () = released(held) => {
                let (_, answer) = talk.held.take().unwrap_or_default();
                talk.told = false;
                client.write_all(&answer).await.map(|()| true)
            }
        };
        if !matches!(outcome, Ok(true)) {
            return reset(&client);
        }
    }
}

/// Waits until what is held back is let go; for ever where nothing is.
async fn released(held: Option<PathBuf>) {
    let Some(folder) = held else { return std::future::pending().await };
    while !folder.join("go").exists() {
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// Passes on what the client says; `false` when the line is cut.
async fn forward_up(
    stream: &mut Stream,
    server: &mut UnixStream,
    talk: &mut Talk,
    shared: &Shared,
) -> io::Result<bool> {
    while let Some(message) = stream.message() {
        let cut = shared.count();
        if cut == Some(Side::Before) {
            return Ok(false);
        }
        talk.note(&message, shared);
        server.write_all(&message).await?;
        if cut.is_some() {
            shared.down_for_a_while();
            return Ok(false);
        }
    }
    Ok(true)
}

/// Passes on what the server says, or holds it back; `false` when the line is cut.
async fn forward_down(
    stream: &mut Stream,
    client: &mut TcpStream,
    talk: &mut Talk,
    shared: &Shared,
) -> io::Result<bool> {
    while let Some(message) = stream.message() {
        let cut = shared.count();
        if cut == Some(Side::Before) {
            return Ok(false);
        }
        if let Some((folder, answer)) = &mut talk.held {
            answer.extend_from_slice(&message);
            // ReadyForQuery ends an answer.
            if message.first() == Some(&b'Z') {
                talk.told = true;
                fs::write(folder.join("reached"), "wire")?;
            }
            continue;
        }
        client.write_all(&message).await?;
        if cut.is_some() {
            client.flush().await?;
            shared.down_for_a_while();
            // What arrived is read before the reset, which would otherwise throw it away unread.
            tokio::time::sleep(Duration::from_millis(5)).await;
            return Ok(false);
        }
    }
    Ok(true)
}
