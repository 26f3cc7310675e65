//! A process that is at a phase says so, every few seconds, and reads how far the run is: for its own display, and so that
//! everybody else sees the same. In between it looks what the server does for it, on the same connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::memory::{LOOK, Trail, memory};
use super::{Conductor, Vitals};
use crate::db::ledger::{StintBeat, count, status, stint_beat};
use crate::db::patience::{close, connection, within};
use crate::db::{DbError, server_activity};
use crate::event::{Event, Events, Phase};

/// How often it says so.
const BEAT: Duration = Duration::from_secs(1);
/// How long one of these may take; whoever loads comes first, so one that takes longer is left out.
const LIMIT: Duration = Duration::from_secs(5);
/// How long the last of them may take.
const LAST_LIMIT: Duration = Duration::from_secs(1);
/// How long a look at what the server does may take.
const SEEN_LIMIT: Duration = Duration::from_millis(500);
/// These looks take at most one part in so many of the time, as they are seen from here: where the server has no time for them
/// either, they become rare.
const SEEN_SHARE: u32 = 20;
/// Reading how far the run is takes at most one part in so many of the time.
const SHARE: u32 = 100;

/// The time that this process is at a phase; it goes on until it is ended or dropped.
pub(super) struct Stint {
    beat: Beat,
    beating: AbortHandle,
}

/// What is told at every beat.
#[derive(Clone)]
struct Beat {
    pool: Pool,
    vitals: Vitals,
    run: Uuid,
    id: Uuid,
    phase: Phase,
    conducts: bool,
    trail: Arc<Mutex<Trail>>,
}

impl Conductor {
    /// Begins to tell that this process is at a phase of a run.
    pub(super) fn stint(&self, run: Uuid, phase: Phase, conducts: bool) -> Stint {
        let (pool, vitals) = (self.pool.clone(), self.vitals.clone());
        let trail = Arc::new(Mutex::new(Trail::new()));
        let beat = Beat { pool, vitals, run, id: Uuid::now_v7(), phase, conducts, trail };
        self.vitals.sees_anew();
        let beating = tokio::spawn(beat.clone().go_on(self.events.clone())).abort_handle();
        Stint { beat, beating }
    }
}

impl Stint {
    /// Tells that this process is through with the phase.
    pub(super) async fn end(self) {
        self.beating.abort();
        // The phase's own outcome is what counts; that this could not be told as well is no failure of it.
        drop(tokio::time::timeout(LAST_LIMIT, self.beat.tell(true)).await);
    }
}

impl Drop for Stint {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

impl Beat {
    async fn go_on(self, events: Events) {
        // Most phases are over before anybody would look.
        let mut next_look = Instant::now() + BEAT;
        let mut next_sight = Instant::now();
        loop {
            // A database that is away is what the phase itself meets, and tells of.
            drop(self.tell(false).await);
            if Instant::now() >= next_look {
                let asked = Instant::now();
                if let Ok(Some(status)) = self.look().await {
                    events.emit(Event::StatusRead { status: status.into() });
                }
                next_look = Instant::now() + asked.elapsed() * SHARE;
            }
            let next = Instant::now() + BEAT;
            while Instant::now() < next {
                tokio::time::sleep(LOOK).await;
                self.seen();
                // A worker has no summary to tell it in, and there may be a thousand of them.
                if self.conducts && Instant::now() >= next_sight {
                    let asked = Instant::now();
                    self.see_server().await;
                    next_sight = Instant::now() + asked.elapsed() * SEEN_SHARE;
                }
            }
        }
    }

    /// Looks what the server does for this process, where a connection is open and free: for a look, none is opened. One that
    /// fails is left out.
    async fn see_server(&self) {
        let action = "look at what the server does";
        if self.pool.status().available == 0 {
            return;
        }
        let Ok(client) = connection(&self.pool, SEEN_LIMIT, action).await else { return };
        match within(SEEN_LIMIT, action, server_activity(&client)).await {
            Ok(seen) => self.vitals.saw(seen),
            Err(_) => close(client),
        }
    }

    /// Looks at the memory of this process; what was seen of it so far.
    fn seen(&self) -> Option<(i64, Vec<i64>)> {
        let mut trail = self.trail.lock().unwrap_or_else(PoisonError::into_inner);
        trail.look();
        trail.slots()
    }

    async fn tell(&self, ended: bool) -> Result<(), DbError> {
        let facts = self.vitals.facts();
        let beat = StintBeat {
            run: self.run,
            id: self.id,
            phase: self.phase,
            conducts: self.conducts,
            doing: facts.doing,
            done: count(facts.done),
            total: facts.total.map(count),
            retries: count(facts.retries),
            workers: facts.workers.and_then(|workers| i32::try_from(workers).ok()),
            busy: serde_json::to_value(&facts.busy).ok().filter(|_| !facts.busy.is_empty()),
            memory: memory(),
            memory_slots: self.seen(),
            max_rejects: self.vitals.max_rejects().map(|bound| bound.to_string()),
            ended,
        };
        let action = "tell how far the run is";
        let client = connection(&self.pool, LIMIT, action).await?;
        let told = within(LIMIT, action, stint_beat(&client, &beat)).await;
        if told.is_err() {
            close(client);
        }
        told
    }

    async fn look(&self) -> Result<Option<crate::outcome::Status>, DbError> {
        let action = "read how far the run is";
        let mut client = connection(&self.pool, LIMIT, action).await?;
        let read = within(LIMIT, action, status(&mut client, Some(self.run))).await;
        if read.is_err() {
            close(client);
        }
        read
    }
}
