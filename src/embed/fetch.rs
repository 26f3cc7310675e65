//! Asks the service: as much at once as it bears, and commits what comes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use tokio::task::JoinSet;

use super::billing::Billing;
use super::texts::{Text, Texts};
use super::waited::Waited;
use super::wanted::Want;
use super::{EmbedError, EmbedOptions};
use crate::db::ledger::{Fence, Fetched, Paid, TextHash, embedding_insert, embedding_refuse};
use crate::event::{Event, Events};
use crate::fault;
use crate::outcome::EmbeddingCost;
use crate::provider::{Answered, Client, RequestError, Throttle};
use crate::stop::Stop;

/// Times that the same texts are sent when what comes back cannot be used.
const TRIES: u32 = 3;
/// Answers without one usable vector, before the first that has one, that show that the service is not what it should be.
const STRIKES: u32 = 3;

/// Texts of one request.
struct Job {
    texts: Vec<Text>,
    /// Answers to them that could not be used.
    bad: u32,
}

impl Job {
    fn tokens(&self) -> u64 {
        self.texts.iter().map(|text| text.tokens as u64).sum()
    }
}

/// A request that has its answer.
struct Asked {
    job: Job,
    began: Instant,
    result: Result<Answered, RequestError>,
}

/// The service at work.
pub(super) struct Fetch<'a> {
    pool: &'a Pool,
    fence: Fence,
    client: &'a Client,
    options: &'a EmbedOptions,
    stop: &'a Stop,
    events: &'a Events,
    throttle: Throttle,
    queue: VecDeque<Job>,
    flying: JoinSet<Asked>,
    /// Tokens of what is in flight, as they were counted.
    reserved: u64,
    /// The dearest that an answer of this call was billed; nothing before the first.
    billing: Option<Billing>,
    spent: EmbeddingCost,
    fetched: u64,
    /// Answers without one usable vector since the last that had one.
    strikes: u32,
    /// What of the time was spent on the service, and not on the database.
    waited: Waited,
    /// Why nothing more is sent.
    ending: Option<EmbedError>,
}

impl<'a> Fetch<'a> {
    pub fn new(
        pool: &'a Pool,
        fence: Fence,
        client: &'a Client,
        options: &'a EmbedOptions,
        spent: EmbeddingCost,
        stop: &'a Stop,
        events: &'a Events,
    ) -> Self {
        Self {
            pool,
            fence,
            client,
            options,
            stop,
            events,
            throttle: Throttle::new(options.concurrency, options.attempts),
            queue: VecDeque::new(),
            flying: JoinSet::new(),
            reserved: 0,
            billing: None,
            spent,
            fetched: 0,
            strikes: 0,
            waited: Waited::default(),
            ending: None,
        }
    }

    /// Fetches the vector of every text that the ledger has none of, as far as the service gives them; says how long it was
    /// waited for.
    ///
    /// # Errors
    /// Why it ended early. What was in flight then is waited for, and committed.
    pub async fn all(mut self, wants: &'a [Want]) -> Result<Waited, EmbedError> {
        let mut texts = Texts::new(self.pool, self.fence, wants, self.options);
        let mut read_all = false;
        loop {
            if self.ending.is_none() && self.stop.is_requested() {
                self.ending = Some(EmbedError::Interrupted);
            }
            while self.ending.is_none() && self.queue.is_empty() && !read_all {
                let next = texts.next().await?;
                read_all = next.is_empty();
                self.pack(next).await?;
            }
            let pause = self.throttle.pause(Instant::now());
            let may_send = self.ending.is_none() && !self.queue.is_empty();
            if may_send && pause.is_none() && self.flying.len() < self.throttle.allowed() {
                self.send();
                continue;
            }
            if self.flying.is_empty() && !may_send {
                return self.ending.map_or(Ok(self.waited), Err);
            }
            let rest = pause.filter(|_| may_send).unwrap_or(Duration::from_hours(1));
            let waiting = Instant::now();
            let asked = tokio::select! {
                asked = self.flying.join_next(), if !self.flying.is_empty() => asked,
                () = tokio::time::sleep(rest) => None,
                () = self.stop.requested(), if self.ending.is_none() => None,
            };
            self.waited.add(waiting.elapsed(), pause.filter(|_| may_send));
            match asked {
                None => {}
                Some(Ok(asked)) => self.settle(asked).await?,
                // A request that panicked; the rest is waited for as after any other end.
                Some(Err(error)) => {
                    let error = RequestError::Garbled(format!("the request failed: {error}"));
                    self.ending = Some(EmbedError::Unusable { error });
                }
            }
        }
    }

    /// Puts texts together to requests; what is too long for the model is not sent.
    async fn pack(&mut self, texts: Vec<Text>) -> Result<(), EmbedError> {
        let most = self.options.tokens_per_text;
        let (fitting, long): (Vec<Text>, Vec<Text>) = texts.into_iter().partition(|text| text.tokens <= most);
        let long = long.into_iter().map(|text| {
            let reason = format!("the text has {} tokens, and the model takes {most}: split it", text.tokens);
            (text.sha256, reason)
        });
        self.refuse(long.collect()).await?;
        let mut job = Job { texts: Vec::new(), bad: 0 };
        for text in fitting {
            let full = job.texts.len() >= self.options.texts_per_request
                || job.tokens() + text.tokens as u64 > self.options.tokens_per_request as u64;
            if full && !job.texts.is_empty() {
                self.queue.push_back(std::mem::replace(&mut job, Job { texts: Vec::new(), bad: 0 }));
            }
            job.texts.push(text);
        }
        if !job.texts.is_empty() {
            self.queue.push_back(job);
        }
        Ok(())
    }

    /// The budget that a request of so many tokens would pass, with all that is in flight.
    fn passed(&self, tokens: u64) -> Option<String> {
        let tokens = self.reserved + tokens;
        let tokens = self.billing.map_or(tokens, |billing| billing.expected(tokens));
        let sum = self.spent.tokens.saturating_add(tokens);
        let cost = self.spent.cost + self.options.cost(tokens);
        match (self.options.max_tokens, self.options.max_cost) {
            (Some(most), _) if sum > most => Some(format!("{most} tokens (--max-tokens)")),
            (_, Some(most)) if cost > most => Some(format!("a cost of {most} (--max-cost)")),
            _ => None,
        }
    }

    /// Sends the next request, unless it would pass a budget.
    fn send(&mut self) {
        let Some(mut job) = self.queue.pop_front() else { return };
        let bounded = self.options.max_tokens.is_some() || self.options.max_cost.is_some();
        if bounded && self.fetched == 0 && !self.flying.is_empty() {
            // One at a time, until one has shown what the service bills, and that what it bills for can be used.
            self.queue.push_front(job);
            self.throttle.hold_for(Duration::from_millis(50));
            return;
        }
        if bounded && self.billing.is_none() {
            // Nobody knows yet how the service counts: with one text, hardly anything can pass the budget.
            self.split(&mut job, 1);
        }
        let mut bound = self.passed(job.tokens());
        while bound.is_some() && self.flying.is_empty() && job.texts.len() > 1 {
            // A part of it may still be within.
            let half = job.texts.len() / 2;
            self.split(&mut job, half);
            bound = self.passed(job.tokens());
        }
        if let Some(bound) = bound {
            // What is in flight may come back cheaper than it was counted: it is waited for, and asked again.
            self.queue.push_front(job);
            if self.flying.is_empty() {
                let mut spent = format!("{} tokens are spent, at a cost of {:.4}", self.spent.tokens, self.spent.cost);
                if let Some(per_cent) = self.billing.and_then(Billing::per_cent) {
                    spent = format!("{spent}, and the service bills up to {per_cent} tokens for 100 that are counted");
                }
                let left = self.queue.iter().map(|job| job.texts.len()).sum();
                self.ending = Some(EmbedError::Budget { bound, spent, left });
            } else {
                self.throttle.hold_for(Duration::from_millis(50));
            }
            return;
        }
        self.reserved += job.tokens();
        let client = self.client.clone();
        self.flying.spawn(async move {
            let began = Instant::now();
            let texts: Vec<&str> = job.texts.iter().map(|text| text.content.as_str()).collect();
            let result = client.embed(&texts).await;
            Asked { job, began, result }
        });
    }

    /// Leaves the first so many texts in a request; the others are the next in the queue.
    fn split(&mut self, job: &mut Job, texts: usize) {
        if texts < job.texts.len() {
            let rest = job.texts.split_off(texts);
            self.queue.push_front(Job { texts: rest, bad: job.bad });
        }
    }

    /// Puts texts back that are to be sent again: behind the next request, if there is one. Where that is answered
    /// well, the fault is theirs and not the service's, and is not counted against it.
    fn again(&mut self, job: Job) {
        self.queue.insert(self.queue.len().min(1), job);
    }

    /// Commits what came, and sees to what did not.
    async fn settle(&mut self, asked: Asked) -> Result<(), EmbedError> {
        let Asked { mut job, began, result } = asked;
        let now = Instant::now();
        self.reserved = self.reserved.saturating_sub(job.tokens());
        match result {
            Ok(answered) => {
                self.throttle.succeeded(now, now.duration_since(began), answered.rest);
                self.answered(job, began, answered).await
            }
            Err(error) if error.is_transient() => {
                self.throttle.failed(began, now, retry_after(&error));
                self.queue.push_front(job);
                if self.throttle.is_open() {
                    self.give_up(error);
                } else {
                    self.events.retry(format!("{error}; trying again"));
                }
                Ok(())
            }
            Err(error @ RequestError::Garbled(_)) => {
                self.throttle.failed(began, now, None);
                self.events.warn(error.to_string());
                if self.throttle.is_open() {
                    self.queue.push_front(job);
                    self.give_up(error);
                    return Ok(());
                }
                job.bad += 1;
                if job.bad < TRIES {
                    self.again(job);
                    return Ok(());
                }
                self.halve(job, &error).await
            }
            Err(error @ RequestError::Texts { .. }) => self.halve(job, &error).await,
            Err(error) => {
                self.queue.push_front(job);
                self.ending.get_or_insert(EmbedError::Unusable { error });
                Ok(())
            }
        }
    }

    /// Keeps the good vectors of an answer; texts with a bad one are sent again, a few times.
    async fn answered(&mut self, job: Job, began: Instant, answered: Answered) -> Result<(), EmbedError> {
        fault::point("embed.answered").await;
        let counted = job.tokens();
        let tokens = answered.answer.billed_tokens.unwrap_or(counted);
        let billing = Billing::of(tokens, counted);
        self.billing = Some(self.billing.map_or(billing, |known| known.dearer(billing)));
        let (mut good, mut again, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let (texts, mut last) = (job.texts.len(), None);
        for (text, vector) in job.texts.into_iter().zip(answered.answer.vectors) {
            match vector {
                Ok(vector) => {
                    good.push(Fetched { text_sha256: text.sha256, input_tokens: text.tokens, vector });
                }
                Err(reason) => {
                    last = Some(reason.clone());
                    if job.bad + 1 < TRIES {
                        again.push(text);
                    } else {
                        refused.push((text.sha256, format!("the embeddings service gave a bad answer: {reason}")));
                    }
                }
            }
        }
        let elapsed = began.elapsed();
        let paid = Paid { texts, vectors: good.len(), tokens, price: self.options.price, elapsed };
        let space = &self.client.endpoint().space;
        self.fence
            .transaction(self.pool, "keep the vectors", async |tx| {
                Ok::<_, EmbedError>(embedding_insert(tx, self.fence.run, space, &good, paid).await?)
            })
            .await?;
        fault::point("embed.committed").await;
        self.spent.tokens = self.spent.tokens.saturating_add(tokens);
        self.spent.cost += self.options.cost(tokens);
        self.spent.requests += 1;
        self.fetched += good.len() as u64;
        self.events.emit(Event::VectorsFetched { texts: good.len() as u64, tokens, elapsed: began.elapsed() });
        if good.is_empty() {
            self.strike(RequestError::Garbled(last.unwrap_or_default()));
        } else {
            self.strikes = 0;
        }
        if !again.is_empty() {
            self.again(Job { texts: again, bad: job.bad + 1 });
        }
        self.refuse(refused).await
    }

    /// Sends texts that came back refused in two halves, down to the one that it is about.
    async fn halve(&mut self, mut job: Job, error: &RequestError) -> Result<(), EmbedError> {
        if job.texts.len() > 1 {
            let second = job.texts.split_off(job.texts.len() / 2);
            self.queue.push_front(Job { texts: second, bad: 0 });
            self.queue.push_front(Job { texts: job.texts, bad: 0 });
            return Ok(());
        }
        self.strike(error.clone());
        let refused = job.texts.into_iter().map(|text| (text.sha256, error.to_string()));
        self.refuse(refused.collect()).await
    }

    /// One more answer without a usable vector. As long as none has ever come, the fault is hardly the texts'.
    fn strike(&mut self, error: RequestError) {
        self.strikes += 1;
        if self.fetched == 0 && self.strikes >= STRIKES && self.ending.is_none() {
            self.ending = Some(EmbedError::Unusable { error });
        }
    }

    fn give_up(&mut self, error: RequestError) {
        let (failures, fetched) = (self.options.attempts, self.fetched);
        self.ending.get_or_insert(EmbedError::Unavailable { error, failures, fetched });
    }

    /// Records why texts are left without a vector.
    async fn refuse(&self, refused: Vec<(TextHash, String)>) -> Result<(), EmbedError> {
        if refused.is_empty() {
            return Ok(());
        }
        self.fence
            .transaction(self.pool, "record texts without a vector", async |tx| {
                Ok(embedding_refuse(tx, self.fence.run, &refused).await?)
            })
            .await
    }
}

/// When the service wants to be asked again.
fn retry_after(error: &RequestError) -> Option<Duration> {
    if let RequestError::Busy { retry_after, .. } = error { *retry_after } else { None }
}
