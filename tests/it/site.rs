//! A server of one object over HTTP, that misbehaves as it is told, request by request; of S3 too, where it holds every
//! request against its signature (AWS Signature Version 4).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// What is served.
#[derive(Debug, Clone)]
pub struct Object {
    pub bytes: Vec<u8>,
    pub e_tag: Option<&'static str>,
    pub last_modified: Option<&'static str>,
    /// Whether parts of it are given to whoever asks for them.
    pub ranges: bool,
}

impl Object {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, e_tag: Some("\"first\""), last_modified: None, ranges: true }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// The object, or the part that was asked for.
    Give,
    /// So many bytes of it, and the connection is closed.
    Cut(usize),
    /// So many bytes of it, and then nothing, on an open connection.
    Silence(usize),
    /// This status, with this header or none.
    Status(u16, &'static str),
    /// The object without its length, until the connection is closed.
    Lengthless,
    /// From now on it is this object; it is given.
    Become(Object),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub target: String,
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// The keys of an S3 server.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    pub id: &'static str,
    pub secret: &'static str,
}

/// A server on this machine.
pub struct Site {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Site {
    /// Serves an object; the acts are those of the first requests, all others are given what they ask for.
    pub fn start(object: Object, acts: Vec<Act>) -> Self {
        Self::serve(object, acts, None)
    }

    /// The same as S3.
    pub fn s3(object: Object, acts: Vec<Act>, keys: Keys) -> Self {
        Self::serve(object, acts, Some(keys))
    }

    fn serve(object: Object, acts: Vec<Act>, keys: Option<Keys>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let served = Arc::new(Mutex::new((object, acts.into_iter())));
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (served, noted) = (Arc::clone(&served), Arc::clone(&noted));
                thread::spawn(move || {
                    // One request a connection.
                    let Some(request) = read_request(&connection) else { return };
                    let (object, act) = {
                        let mut served = served.lock().unwrap();
                        noted.lock().unwrap().push(request.clone());
                        let act = served.1.next().unwrap_or(Act::Give);
                        if let Act::Become(object) = &act {
                            served.0 = object.clone();
                        }
                        (served.0.clone(), act)
                    };
                    let signed = keys.is_none_or(|keys| is_signed(&request, keys));
                    let _ = answer(connection, &request, &object, &act, signed);
                });
            }
        });
        Self { address, asked }
    }

    /// Its URL, with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// The requests that came.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_request(mut connection: &TcpStream) -> Option<Asked> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte).ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).ok()?;
    let mut lines = text.lines();
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Some(Asked { target, headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect() })
}

fn answer(mut connection: TcpStream, request: &Asked, object: &Object, act: &Act, signed: bool) -> std::io::Result<()> {
    if !signed {
        let body = "<Error><Code>SignatureDoesNotMatch</Code></Error>";
        return write!(
            connection,
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
    }
    if let Act::Status(status, header) = act {
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        return write!(
            connection,
            "HTTP/1.1 {status} As told\r\n{header}Connection: close\r\nContent-Length: 0\r\n\r\n"
        );
    }
    let expected = request.header("if-match");
    if !expected.is_empty() && object.e_tag != Some(expected) {
        return write!(
            connection,
            "HTTP/1.1 412 Precondition Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
    }
    let from = request.header("range").strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
    let from: usize = from.filter(|_| object.ranges).map_or(0, |from| from.parse().unwrap());
    let part = &object.bytes[from..];
    let mut head = String::from(if from > 0 { "HTTP/1.1 206 Partial Content\r\n" } else { "HTTP/1.1 200 OK\r\n" });
    if from > 0 {
        let all = object.bytes.len();
        write!(head, "Content-Range: bytes {from}-{}/{all}\r\n", all - 1).unwrap();
    }
    if let Some(tag) = object.e_tag {
        write!(head, "ETag: {tag}\r\n").unwrap();
    }
    if let Some(date) = object.last_modified {
        write!(head, "Last-Modified: {date}\r\n").unwrap();
    }
    if !matches!(act, Act::Lengthless) {
        write!(head, "Content-Length: {}\r\n", part.len()).unwrap();
    }
    write!(connection, "{head}Connection: close\r\n\r\n")?;
    match act {
        Act::Cut(bytes) => connection.write_all(&part[..*bytes])?,
        Act::Silence(bytes) => {
            connection.write_all(&part[..*bytes])?;
            thread::sleep(Duration::from_mins(1));
        }
        _ => connection.write_all(part)?,
    }
    connection.shutdown(Shutdown::Write)
}

/// Whether a request carries the signature that whoever knows the secret gives it.
fn is_signed(request: &Asked, keys: Keys) -> bool {
    let field = |name: &str| -> String {
        let (_, rest) = request.header("authorization").split_once(&format!("{name}=")).unwrap_or_default();
        rest.split(',').next().unwrap_or_default().trim().to_owned()
    };
    let (credential, signed, signature) = (field("Credential"), field("SignedHeaders"), field("Signature"));
    let Some(scope) = credential.strip_prefix(&format!("{}/", keys.id)) else { return false };
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut headers = String::new();
    for name in signed.split(';') {
        writeln!(headers, "{name}:{}", request.header(name).trim()).unwrap();
    }
    let payload = request.header("x-amz-content-sha256");
    let canonical = format!("GET\n{path}\n{query}\n{headers}\n{signed}\n{payload}");
    let date = request.header("x-amz-date");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in scope.split('/') {
        key = hmac(&key, part.as_bytes());
    }
    signed.split(';').any(|name| name == "host") && hex(&hmac(&key, to_sign.as_bytes())) == signature
}

/// HMAC-SHA-256 (RFC 2104) with keys of at most one block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    sqlmig::names::hex(bytes)
}
