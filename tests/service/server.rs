//! An embeddings service on this machine: what `OpenAI`'s `/v1/embeddings` takes and answers, with vectors made of the words of a text.
//! It counts what it is asked, and misbehaves when it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Places of a vector that one word adds to.
const PLACES: usize = 48;

/// How a request is answered, other than it should be.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This status, with these lines of the head and this body.
    Status(u16, String, String),
    /// Nothing, for so long.
    Silence(Duration),
    /// A page that is no JSON.
    Garbage,
    /// The answer is cut in the middle, and the connection closed.
    BrokenOff,
    /// One dimension is missing of every vector.
    WrongDimension,
    /// The last vector is missing.
    Truncated,
    /// All is there, the last first.
    Reordered,
    /// Two vectors have the same index.
    SameIndex,
    /// The first vector holds what is no number.
    NotANumber,
    /// The first vector is zero.
    Zero,
    /// Another model says that it made them.
    OtherModel,
    /// All is as it should be, with these lines in the head.
    Head(String),
    /// All is there in the order of the texts, and nothing says which is of which.
    NoIndex,
    /// All is there, each vector as base64 of its numbers.
    Base64,
}

/// What a service was asked, and what it is told to do wrong.
#[derive(Default)]
pub struct State {
    pub dimensions: usize,
    pub model: String,
    /// How the next requests are answered, each once.
    pub faults: Mutex<VecDeque<Fault>>,
    /// How every request is answered that no fault is meant for.
    pub always: Mutex<Option<Fault>>,
    /// A text that holds this is refused with this status, and all others in its request.
    pub poison: Mutex<Option<(String, u16)>>,
    /// The vector of a text that holds this is always bad in this way ([`Fault::WrongDimension`], [`Fault::Zero`] or
    /// [`Fault::NotANumber`]); those of the others in its request are good.
    pub spoiled: Mutex<Option<(String, Fault)>>,
    /// A text that holds this spoils the answer to all texts in its request in this way.
    pub spoiling: Mutex<Option<(String, Fault)>>,
    /// Texts that it takes in a request, more are refused with 413; 0 is any number.
    pub most_texts: AtomicUsize,
    /// Whether it refuses requests that name the dimensions, as for a model that cannot shorten its vectors.
    pub refuses_dimensions: AtomicBool,
    /// Tokens that it bills for a word; 0 is as 1.
    pub tokens_per_word: AtomicUsize,
    /// How long an answer takes.
    pub latency_ms: AtomicU64,
    /// Requests that were read to their end.
    pub requests: AtomicUsize,
    /// Requests answered with vectors at the same time, at most.
    pub most_at_once: AtomicUsize,
    at_once: AtomicUsize,
    /// How often a good vector of each text was answered.
    pub served: Mutex<BTreeMap<String, usize>>,
    /// When each request was there to its end.
    pub moments: Mutex<Vec<Instant>>,
    /// The heads of the requests, lower case.
    pub heads: Mutex<Vec<String>>,
    /// The bodies of the requests, without the texts.
    pub bodies: Mutex<Vec<Value>>,
    /// The texts of each request.
    pub texts: Mutex<Vec<Vec<String>>>,
}

/// A service that listens.
pub struct Service {
    pub address: SocketAddr,
    pub state: Arc<State>,
}

impl Service {
    /// Listens on this address; port 0 for any that is free.
    pub async fn start(address: &str, model: &str, dimensions: usize) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { dimensions, model: model.to_owned(), ..State::default() });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A caller that goes away is none of our business.
                tokio::spawn(async move { drop(serve(stream, &state).await) });
            }
        });
        Ok(Self { address, state })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl State {
    fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells it what to do wrong next.
    pub fn then(&self, faults: impl IntoIterator<Item = Fault>) {
        Self::lock(&self.faults).extend(faults);
    }

    /// Tells it what to do wrong from now on.
    pub fn always(&self, fault: Option<Fault>) {
        *Self::lock(&self.always) = fault;
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Vectors answered so far.
    pub fn vectors(&self) -> usize {
        Self::lock(&self.served).values().sum()
    }

    /// Requests that are not answered yet.
    pub fn unanswered(&self) -> usize {
        self.at_once.load(Ordering::SeqCst)
    }

    /// The time from each request to the next.
    pub fn gaps(&self) -> Vec<Duration> {
        Self::lock(&self.moments).windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Texts of which a vector was answered more than once.
    pub fn repeated(&self) -> usize {
        Self::lock(&self.served).values().filter(|times| **times > 1).count()
    }
}

/// Makes one vector bad.
fn spoil(vector: &mut Vec<f32>, fault: &Fault) {
    match fault {
        Fault::WrongDimension => drop(vector.pop()),
        Fault::Zero => vector.fill(0.0),
        // JSON has no word for it: it is written as null, and that is replaced in the end.
        Fault::NotANumber => vector[0] = f32::NAN,
        _ => {}
    }
}

/// The vector of a text: the sum of those of its words, of length 1.
pub fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; dimensions];
    let mut add = |word: &str| {
        for (turn, chunk) in (0_u8..).zip(0..PLACES / 8) {
            let digest = Sha256::digest([word.as_bytes(), &[turn, u8::try_from(chunk).unwrap_or(0)]].concat());
            for bytes in digest.chunks(4) {
                let number = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                let place = number as usize / 2 % dimensions;
                sum[place] += if number % 2 == 0 { 1.0 } else { -1.0 };
            }
        }
    };
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        add(&word.to_lowercase());
    }
    // Every text differs a little from every other, and none is zero.
    add(&format!("\0{text}"));
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    sum.iter().map(|value| value / length).collect()
}

async fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some((head, body)) = request(&mut stream, &mut buffer).await? else { return Ok(()) };
        State::lock(&state.moments).push(Instant::now());
        State::lock(&state.heads).push(head);
        state.requests.fetch_add(1, Ordering::SeqCst);
        let at_once = state.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        state.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        let latency = state.latency_ms.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(latency)).await;
        let answer = answer(&body, state).await;
        state.at_once.fetch_sub(1, Ordering::SeqCst);
        let whole = stream.write_all(&answer.bytes).await;
        if answer.close {
            return stream.shutdown().await;
        }
        whole?;
    }
}

/// Reads one request; `None` at the end of the connection.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<(String, Vec<u8>)>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let body = buffer[end + 4..end + 4 + length].to_vec();
                buffer.drain(..end + 4 + length);
                return Ok(Some((head, body)));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

struct Answer {
    bytes: Vec<u8>,
    close: bool,
}

fn http(status: u16, head: &str, body: &str) -> Answer {
    let bytes = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{head}\r\n{body}",
        body.len()
    );
    Answer { bytes: bytes.into_bytes(), close: false }
}

async fn answer(body: &[u8], state: &State) -> Answer {
    let mut asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let texts: Vec<String> = match asked["input"].take() {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => {
            // What is wrong with every answer is wrong with this one too: it is how somebody asks whether the service is there.
            return match &*State::lock(&state.always) {
                Some(Fault::Status(status, head, body)) => http(*status, head, body),
                _ => http(400, "", r#"{"error":{"message":"input is missing"}}"#),
            };
        }
    };
    let has_dimensions = asked.get("dimensions").is_some_and(|value| !value.is_null());
    State::lock(&state.bodies).push(asked);
    State::lock(&state.texts).push(texts.clone());
    let spoiling = State::lock(&state.spoiling).clone();
    let spoiling = spoiling.filter(|(part, _)| texts.iter().any(|text| text.contains(part))).map(|(_, fault)| fault);
    let next = State::lock(&state.faults).pop_front();
    let fault = next.or(spoiling).or_else(|| State::lock(&state.always).clone());
    let most = state.most_texts.load(Ordering::SeqCst);
    if most > 0 && texts.len() > most {
        let said = format!("batch size {} > maximum allowed batch size {most}", texts.len());
        return http(413, "", &json!({"message": said, "type": "Validation"}).to_string());
    }
    if has_dimensions && state.refuses_dimensions.load(Ordering::SeqCst) {
        let said = "Model \"tiny\" does not support matryoshka representation";
        return http(400, "", &json!({"object": "error", "message": said, "code": 400}).to_string());
    }
    if let Some((poison, status)) = State::lock(&state.poison).clone()
        && texts.iter().any(|text| text.contains(&poison))
    {
        return http(status, "", r#"{"error":{"message":"this text is not welcome"}}"#);
    }
    match &fault {
        Some(Fault::Status(status, head, body)) => return http(*status, head, body),
        Some(Fault::Silence(time)) => {
            tokio::time::sleep(*time).await;
            return Answer { bytes: Vec::new(), close: true };
        }
        Some(Fault::Garbage) => return http(200, "", "<html>Bad gateway</html>"),
        _ => {}
    }
    let mut data: Vec<(usize, Vec<f32>)> =
        texts.iter().map(|text| vector(text, state.dimensions)).enumerate().collect();
    let mut model = state.model.as_str();
    match &fault {
        Some(Fault::WrongDimension) => data.iter_mut().for_each(|(_, vector)| spoil(vector, &Fault::WrongDimension)),
        Some(Fault::Truncated) => drop(data.pop()),
        Some(Fault::Reordered) => data.reverse(),
        Some(Fault::SameIndex) => data.iter_mut().for_each(|(index, _)| *index = 0),
        Some(fault @ (Fault::Zero | Fault::NotANumber)) => spoil(&mut data[0].1, fault),
        Some(Fault::OtherModel) => model = "another-model",
        _ => {}
    }
    let spoiled = State::lock(&state.spoiled).clone();
    let is_spoiled = |text: &str| spoiled.as_ref().is_some_and(|(part, _)| text.contains(part));
    if let Some((_, how)) = &spoiled {
        for (_, vector) in data.iter_mut().filter(|(index, _)| is_spoiled(&texts[*index])) {
            spoil(vector, how);
        }
    }
    let is_whole = |fault: &Fault| {
        matches!(fault, Fault::Reordered | Fault::Head(_) | Fault::Base64)
            || (matches!(fault, Fault::NoIndex | Fault::SameIndex) && texts.len() == 1)
    };
    let broken = fault.as_ref().is_some_and(|fault| !is_whole(fault));
    if !broken {
        let mut served = State::lock(&state.served);
        for text in texts.iter().filter(|text| !is_spoiled(text)) {
            *served.entry(text.clone()).or_default() += 1;
        }
    }
    let data: Vec<Value> = data
        .into_iter()
        .map(|(index, embedding)| match &fault {
            Some(Fault::NoIndex) => json!({"object": "embedding", "embedding": embedding}),
            Some(Fault::Base64) => {
                let bytes: Vec<u8> = embedding.iter().flat_map(|number| number.to_le_bytes()).collect();
                json!({"object": "embedding", "index": index, "embedding": BASE64_STANDARD.encode(bytes)})
            }
            _ => json!({"object": "embedding", "index": index, "embedding": embedding}),
        })
        .collect();
    let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    let tokens = words * state.tokens_per_word.load(Ordering::SeqCst).max(1);
    let body = json!({"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}});
    // As Python's json writes it.
    let body = body.to_string().replace("null", "NaN");
    let head = if let Some(Fault::Head(lines)) = &fault { lines.as_str() } else { "" };
    let mut whole = http(200, head, &body);
    if matches!(fault, Some(Fault::BrokenOff)) {
        whole.bytes.truncate(whole.bytes.len() / 2);
        whole.close = true;
    }
    whole
}
