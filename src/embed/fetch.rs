//! Asks the service: as much at once as it bears, and commits what comes.

mod settle;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use tokio::task::JoinSet;

use super::budget::Budget;
use super::doubt::{Control, Doubt};
use super::job::Job;
use super::texts::{Text, Texts};
use super::waited::Waited;
use super::wanted::Want;
use super::{EmbedError, EmbedOptions};
use crate::db::ledger::Fence;
use crate::event::Events;
use crate::outcome::EmbeddingCost;
use crate::provider::{Answered, Client, RequestError, Throttle};
use crate::stop::Stop;

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
    budget: Budget<'a>,
    fetched: u64,
    /// Whether texts are at fault or the service.
    doubt: Doubt,
    /// Answers that did not say which vector is of which text, with none between that did; from two on, each is sent by itself.
    unordered: u32,
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
            budget: Budget::new(options, spent),
            fetched: 0,
            doubt: Doubt::none(),
            unordered: 0,
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
            let may_send = self.ending.is_none() && self.has_next();
            if may_send && pause.is_none() && self.flying.len() < self.throttle.allowed() {
                self.send();
                continue;
            }
            if self.flying.is_empty() && !may_send {
                if let Some(ending) = self.ending {
                    return Err(ending);
                }
                let rest = self.doubt.rest();
                self.condemn(rest).await?;
                return Ok(self.waited);
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
        self.queue.extend(Job::pack(fitting, self.options));
        Ok(())
    }

    /// Whether there is a request to send.
    fn has_next(&self) -> bool {
        match self.doubt.control() {
            Control::Idle => !self.queue.is_empty(),
            Control::Wanted => true,
            Control::Sent => false,
        }
    }

    /// Takes the next request.
    fn next(&mut self) -> Option<Job> {
        if self.doubt.control() == Control::Wanted {
            self.doubt.sent();
            return Some(Job::control(self.options));
        }
        self.queue.pop_front()
    }

    /// Puts a request back that is to be sent next.
    fn put_back(&mut self, job: Job) {
        if job.is_control {
            self.doubt.put_back();
        } else {
            self.queue.push_front(job);
        }
    }

    /// Sends the next request, unless it would pass a budget.
    fn send(&mut self) {
        let Some(mut job) = self.next() else { return };
        if self.budget.is_bounded() && self.fetched == 0 && !self.flying.is_empty() {
            // One at a time, until one has shown what the service bills, and that what it bills for can be used.
            self.put_back(job);
            self.throttle.hold_for(Duration::from_millis(50));
            return;
        }
        if self.unordered > 1 || self.budget.is_guess() {
            // Nobody knows yet how the service counts: with one text, hardly anything can pass the budget.
            self.split(&mut job, 1);
        }
        let mut bound = self.budget.passed(job.tokens());
        while bound.is_some() && self.flying.is_empty() && job.texts.len() > 1 {
            // A part of it may still be within.
            let half = job.texts.len() / 2;
            self.split(&mut job, half);
            bound = self.budget.passed(job.tokens());
        }
        if let Some(bound) = bound {
            // What is in flight may come back cheaper than it was counted: it is waited for, and asked again.
            self.put_back(job);
            if self.flying.is_empty() {
                let spent = self.budget.told();
                let left = self.queue.iter().map(|job| job.texts.len()).sum();
                self.ending = Some(EmbedError::Budget { bound, spent, left });
            } else {
                self.throttle.hold_for(Duration::from_millis(50));
            }
            return;
        }
        self.budget.reserve(job.tokens());
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
        if let Some(rest) = job.split_off(texts) {
            self.queue.push_front(rest);
        }
    }

    /// Puts texts back that are to be sent again: behind the next request, if there is one. Where that is answered
    /// well, the fault is theirs and not the service's, and is not counted against it.
    fn again(&mut self, job: Job) {
        self.queue.insert(self.queue.len().min(1), job);
    }
}
