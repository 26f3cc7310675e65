//! What becomes of a batch whose transaction failed, or whose COMMIT nobody answered: asked of the ledger, behind the fence.

use std::time::Duration;

use tokio_postgres::Transaction;

use crate::db::ledger::{
    BatchFailure, FenceError, batch_failed, batch_halve, batch_put_off, batch_refused, batch_settle, refusals,
};
use crate::db::{DbError, doing};
use crate::fault;
use crate::template::{Fragment, render_wrap};

use super::backoff::{ATTEMPTS, Outage, PATIENCE, pause};
use super::tried::{Failed, Trouble};
use super::worker::Worker;
use super::{MOST_REFUSED, PromoteError};

/// Times a batch may take too long before it is halved.
const TIMEOUTS: i32 = 2;

/// What the ledger says, or was told.
enum Settled {
    /// The transaction that this worker sent COMMIT for did commit.
    Committed,
    /// Nothing is left to say: another worker has seen to it, or an earlier try of this.
    Elsewhere,
    /// It may be claimed again.
    Again { failures: i32 },
    /// It comes after the others, once more of them are done.
    PutOff,
    /// Its second half is this batch now, of these rows.
    Halved { number: i64, first_row: i64, last_row: i64 },
    /// Its only row is in quarantine.
    Refused,
    /// It is given up; the run stops.
    GivenUp,
    /// So is it, since too many rows are refused.
    TooMany { bound: String },
}

impl Worker<'_> {
    /// Asks what became of a batch, and decides what is to become of it.
    ///
    /// # Errors
    /// It is given up. Or the database could not be asked: then the ledger tells whoever comes next.
    pub async fn settle(&self, failed: Failed) -> Result<(), PromoteError> {
        fault::point("promote.settle").await;
        // Whoever had the batch before may have it still: a server that never got the COMMIT waits for it.
        let lock_patience = self.promotion.options.timeouts.idle.saturating_add(PATIENCE);
        let outage = Outage::new(self.promotion.stop, self.promotion.events, lock_patience);
        let work = async |tx: &Transaction<'_>| self.decide(tx, &failed).await;
        let settled = self.promotion.fenced("ask what became of a batch", outage, work).await?;
        let Failed { batch, error, written, .. } = failed;
        let warn = |text: String| self.promotion.events.warn(text);
        match settled {
            Settled::Committed => {
                warn(format!("{error}; the ledger says that it was committed"));
                if let Some(written) = written {
                    self.finished(&batch, &written);
                }
            }
            Settled::Again { failures } => warn(format!("{error}; trying again ({failures} of {ATTEMPTS})")),
            Settled::PutOff if batch.put_off.is_none() => warn(format!("{error}; put off until others are done")),
            // Told of once; the others of its kind come soon enough.
            Settled::PutOff | Settled::Elsewhere => {}
            Settled::Halved { number, first_row, last_row } => {
                warn(format!("{error}; halved: rows {first_row} to {last_row} are batch {number} now"));
            }
            Settled::Refused => warn(format!("{error}; the row is in quarantine")),
            Settled::GivenUp => return Err(error),
            Settled::TooMany { bound } => {
                return Err(PromoteError::TooManyRefused { bound, last: Box::new(error) });
            }
        }
        Ok(())
    }

    async fn decide(&self, tx: &Transaction<'_>, failed: &Failed) -> Result<Settled, PromoteError> {
        let (batch, run) = (&failed.batch, self.promotion.fence.run);
        let Some(standing) = batch_settle(tx, run, batch.number).await? else { return Ok(Settled::Elsewhere) };
        match standing.state.as_str() {
            "done" => {
                let ours = failed.written.as_ref().is_some_and(|written| Some(&written.xid) == standing.xid.as_ref());
                return Ok(if ours { Settled::Committed } else { Settled::Elsewhere });
            }
            "failed" => return Ok(Settled::GivenUp),
            _ => {}
        }
        // An earlier try of this, whose own answer was lost, or another worker that had the batch since.
        let tried = (batch.last_row, batch.failures, batch.put_off);
        if (standing.last_row, standing.failures, standing.put_off) != tried {
            return Ok(Settled::Elsewhere);
        }
        let splits = match failed.trouble {
            Trouble::Data | Trouble::Reference => true,
            Trouble::Slow { .. } => batch.timeouts + 1 >= TIMEOUTS,
            Trouble::Passing | Trouble::Lasting => false,
        };
        let text = failed.error.to_string();
        if failed.trouble == Trouble::Reference {
            fault::point("promote.put_off").await;
            if batch_put_off(tx, run, batch, &text).await? {
                return Ok(Settled::PutOff);
            }
        }
        if splits && batch.last_row > batch.first_row {
            fault::point("promote.halve").await;
            let halved = batch_halve(tx, run, batch.number, &text).await?;
            return Ok(halved.map_or(Settled::Elsewhere, |(number, first_row, last_row)| Settled::Halved {
                number,
                first_row,
                last_row,
            }));
        }
        // A row that an earlier transform has promoted must not be in quarantine as well; and that no answer came may be the
        // network's doing, so no row is refused for it.
        let refuses = splits && batch.counted && failed.trouble != (Trouble::Slow { by_server: false });
        if refuses && let Some(settled) = self.refuse(tx, failed, &text).await? {
            return Ok(settled);
        }
        let failures = batch.failures + 1;
        let slow = matches!(failed.trouble, Trouble::Slow { .. });
        let given_up =
            matches!(failed.trouble, Trouble::Lasting | Trouble::Data | Trouble::Reference) || failures >= ATTEMPTS;
        let retry_after = if given_up { Duration::ZERO } else { pause(failures.unsigned_abs()) };
        batch_failed(tx, run, batch.number, BatchFailure { error: &text, given_up, timed_out: slow, retry_after })
            .await?;
        Ok(if given_up { Settled::GivenUp } else { Settled::Again { failures } })
    }

    /// Takes the batch's only row out, unless too many are out already; `None` where the database said nothing of the row.
    async fn refuse(&self, tx: &Transaction<'_>, failed: &Failed, text: &str) -> Result<Option<Settled>, PromoteError> {
        let (batch, fence) = (&failed.batch, self.promotion.fence);
        let PromoteError::Batch { error, .. } = &failed.error else { return Ok(None) };
        let (Some(server), Some(source), Some(statement)) =
            (error.server(), batch.source.as_ref(), self.statement(batch))
        else {
            return Ok(None);
        };
        fault::point("promote.refuse").await;
        if let Some(too_many) = self.too_many(tx).await? {
            let failure = BatchFailure { error: text, given_up: true, timed_out: false, retry_after: Duration::ZERO };
            batch_failed(tx, fence.run, batch.number, failure).await?;
            return Ok(Some(too_many));
        }
        let context = minijinja::context! { staged => Fragment::new(self.promotion.relations.staged(source).unwrap_or_default()) };
        let take =
            render_wrap("quarantine_refused.sql", include_str!("../../sql/wrap/quarantine_refused.sql"), context)?;
        let (source, code, reason) = (source.to_string(), server.code().code(), reason(error));
        let taken = tx
            .execute(&take, &[&fence.run, &source, &batch.first_row, &code, &server.column(), &reason])
            .await
            .map_err(doing("take out a refused row"))?;
        if taken == 0 {
            return Err(FenceError::StagingLost(fence.run).into());
        }
        batch_refused(tx, fence.run, batch.number, &statement.undo_table, fence.epoch, text).await?;
        Ok(Some(Settled::Refused))
    }

    /// Whether one more refused row would be one too many.
    async fn too_many(&self, tx: &Transaction<'_>) -> Result<Option<Settled>, PromoteError> {
        let known = refusals(tx, self.promotion.fence.run).await?;
        let count = |rows: i64| u64::try_from(rows).unwrap_or_default();
        let exceeded = match self.promotion.options.max_refused {
            Some(bound) => bound
                .exceeded(count(known.quarantined) + 1, count(known.rows_read))
                .then(|| format!("{bound} in quarantine (--max-rejects)")),
            None => (known.refused >= MOST_REFUSED).then(|| format!("{MOST_REFUSED} refused by the database")),
        };
        Ok(exceeded.map(|bound| Settled::TooMany { bound }))
    }
}

/// What the database said of a row, on one line.
fn reason(error: &DbError) -> String {
    let Some(server) = error.server() else { return error.to_string() };
    let details = [("detail", server.detail()), ("constraint", server.constraint())];
    let details = details.into_iter().filter_map(|(name, value)| value.map(|value| format!("; {name}: {value}")));
    std::iter::once(server.message().to_owned()).chain(details).collect()
}
