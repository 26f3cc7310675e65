//! What becomes of an answer, and of texts that have none.

use std::time::{Duration, Instant};

use super::{Asked, Fetch};
use crate::db::ledger::{Fetched, Paid, TextHash, embedding_insert, embedding_refuse};
use crate::embed::EmbedError;
use crate::embed::doubt::Settled;
use crate::embed::job::Job;
use crate::event::Event;
use crate::fault;
use crate::provider::{Answered, RequestError};

/// Times that the same texts are sent when what comes back cannot be used.
const TRIES: u32 = 3;
/// Pause before one text is sent again whose answer could not be used.
const AGAIN: Duration = Duration::from_millis(250);

impl Fetch<'_> {
    /// Commits what came, and sees to what did not.
    pub(super) async fn settle(&mut self, asked: Asked) -> Result<(), EmbedError> {
        let Asked { mut job, began, result } = asked;
        let now = Instant::now();
        self.budget.release(job.tokens());
        match result {
            Ok(answered) => {
                self.throttle.succeeded(now, now.duration_since(began), answered.rest);
                self.answered(job, began, answered).await
            }
            Err(error) if error.is_transient() => {
                self.throttle.failed(began, now, retry_after(&error));
                self.unanswered(job, error);
                Ok(())
            }
            Err(error @ RequestError::Garbled(_)) => {
                self.events.warn(error.to_string());
                if job.is_control {
                    self.throttle.failed(began, now, None);
                    self.unanswered(job, error);
                    return Ok(());
                }
                self.throttle.spoiled(began, now);
                job.bad += 1;
                if job.texts.len() == 1 && job.bad < TRIES {
                    self.throttle.hold_for(AGAIN);
                    self.again(job);
                    return Ok(());
                }
                self.halve(job, error);
                Ok(())
            }
            Err(error @ RequestError::Unordered(_)) if job.texts.len() > 1 => {
                self.unordered += 1;
                if self.unordered == 2 {
                    self.events.warn(format!("{error}; from now on each text is sent by itself"));
                }
                self.put_back(job);
                Ok(())
            }
            Err(error @ RequestError::Texts { .. }) if !job.is_control => {
                self.halve(job, error);
                Ok(())
            }
            Err(error) => {
                self.put_back(job);
                self.ending.get_or_insert(EmbedError::Unusable { error });
                Ok(())
            }
        }
    }

    /// Sees to a request that had no answer: it is sent again, unless others are answered meanwhile, or nothing is.
    fn unanswered(&mut self, mut job: Job, error: RequestError) {
        let is_open = self.throttle.is_open();
        if job.is_control {
            self.doubt.refute();
        } else {
            job.failed += 1;
            // One by itself is not given up before the service would be.
            let most = if job.texts.len() > 1 { TRIES } else { self.options.attempts };
            if (is_open || job.failed >= most) && error.may_be_the_texts() {
                self.events.retry(format!("{error}; seeing whether it answers another text"));
                self.doubt.contest(job, error);
                return;
            }
            self.queue.push_front(job);
        }
        if is_open {
            let (failures, fetched) = (self.options.attempts, self.fetched);
            self.ending.get_or_insert(EmbedError::Unavailable { error, failures, fetched });
        } else {
            self.events.retry(format!("{error}; trying again"));
        }
    }

    /// Keeps the good vectors of an answer; texts with a bad one are sent again, a few times.
    async fn answered(&mut self, job: Job, began: Instant, answered: Answered) -> Result<(), EmbedError> {
        fault::point("embed.answered").await;
        let counted = job.tokens();
        let tokens = answered.answer.billed_tokens.unwrap_or(counted);
        self.budget.billed(tokens, counted);
        let (mut good, mut again, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
        let texts = job.texts.len();
        if texts > 1 && self.unordered < 2 {
            self.unordered = 0;
        }
        for (text, vector) in job.texts.into_iter().zip(answered.answer.vectors) {
            match vector {
                Ok(vector) => {
                    good.push(Fetched { text_sha256: text.sha256, input_tokens: text.tokens, vector });
                }
                Err(reason) => {
                    again.push(text);
                    reasons.push(RequestError::Garbled(reason));
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
        self.budget.spend(tokens);
        // No row wants the vector of the control text.
        let counted = if job.is_control { 0 } else { good.len() as u64 };
        self.fetched += counted;
        self.events.emit(Event::VectorsFetched { texts: counted, tokens, elapsed: began.elapsed() });
        if !good.is_empty() {
            self.settle_doubt(job.is_control).await?;
        } else if job.is_control {
            // It answers, and not with what it is asked for.
            if let Some(error) = reasons.pop() {
                self.ending.get_or_insert(EmbedError::Unusable { error });
            }
            return Ok(());
        }
        if again.is_empty() {
            return Ok(());
        }
        if job.bad + 1 < TRIES {
            if good.is_empty() {
                self.doubt.strike();
            }
            self.again(Job { texts: again, bad: job.bad + 1, ..job });
            return Ok(());
        }
        let suspects = again.into_iter().map(|text| Job::of(vec![text])).zip(reasons).collect();
        if good.is_empty() {
            self.doubt.suspects(suspects);
            return Ok(());
        }
        self.condemn(suspects).await
    }

    /// Sends texts that have no usable answer in two halves, down to the one that it is about.
    fn halve(&mut self, job: Job, error: RequestError) {
        match job.halves() {
            Ok([first, second]) => {
                self.queue.push_front(second);
                self.queue.push_front(first);
            }
            Err(one) => self.doubt.suspects(vec![(one, error)]),
        }
    }

    /// A usable vector came: what was in doubt is known now.
    async fn settle_doubt(&mut self, is_control: bool) -> Result<(), EmbedError> {
        let (doubtful, guilty): (Vec<_>, Vec<_>) = match self.doubt.settle(is_control) {
            Settled::Guilty(suspects) => (Vec::new(), suspects),
            // A text that takes the service down each time is found out, too.
            Settled::Doubtful(suspects) => suspects.into_iter().partition(|(job, _)| job.spared + 1 < TRIES),
        };
        for (job, _) in doubtful {
            // Once more, each time that a doubt is left.
            self.queue.push_back(Job { bad: TRIES - 1, failed: 0, spared: job.spared + 1, ..job });
        }
        self.condemn(guilty).await
    }

    /// Sees to texts that are at fault: those that are not alone may be good but for one.
    pub(super) async fn condemn(&mut self, guilty: Vec<(Job, RequestError)>) -> Result<(), EmbedError> {
        let mut refused = Vec::new();
        for (job, error) in guilty {
            match job.halves() {
                Ok(halves) => self.queue.extend(halves),
                Err(one) => refused.extend(one.texts.into_iter().map(|text| (text.sha256, error.to_string()))),
            }
        }
        self.refuse(refused).await
    }

    /// Records why texts are left without a vector.
    pub(super) async fn refuse(&self, refused: Vec<(TextHash, String)>) -> Result<(), EmbedError> {
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
