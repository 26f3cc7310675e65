//! What a process knows of its own work and no table of the ledger says: it listens to the events of its phases.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::db::ServerActivity;
use crate::event::{Event, Events};
use crate::limits::MaxRejects;
use crate::outcome::Share;

/// A listener, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Vitals {
    max_rejects: Option<MaxRejects>,
    facts: Arc<Mutex<Facts>>,
    server: Arc<Mutex<ServerActivity>>,
}

/// What was heard since the phase began.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// What it is at: a table, a check, an index.
    pub doing: Option<String>,
    /// What is done, in the phase's unit.
    pub done: u64,
    /// Of so much.
    pub total: Option<u64>,
    /// Things that were tried again.
    pub retries: u64,
    /// Batches at work at once.
    pub workers: Option<usize>,
    /// What each part is busy with.
    pub busy: Vec<Share>,
}

impl Vitals {
    /// A listener of a process that was told how many rows may be rejected.
    #[must_use]
    pub fn new(max_rejects: Option<MaxRejects>) -> Self {
        Self { max_rejects, ..Self::default() }
    }

    /// Listens to what is told to `others`, too.
    #[must_use]
    pub fn listen(&self, others: Events) -> Events {
        let vitals = self.clone();
        Events::new(move |event| {
            vitals.facts_mut().hear(&event);
            others.emit(event);
        })
    }

    /// What was heard so far.
    pub(super) fn facts(&self) -> Facts {
        self.facts_mut().clone()
    }

    /// How many rows may be rejected.
    pub(super) fn max_rejects(&self) -> Option<MaxRejects> {
        self.max_rejects
    }

    /// What the server was seen at since the phase began.
    pub(super) fn server(&self) -> ServerActivity {
        *self.server_mut()
    }

    /// The server was seen at this.
    pub(super) fn saw(&self, seen: ServerActivity) {
        *self.server_mut() += seen;
    }

    /// A phase begins: what was seen before says nothing of it.
    pub(super) fn sees_anew(&self) {
        *self.server_mut() = ServerActivity::default();
    }

    fn server_mut(&self) -> MutexGuard<'_, ServerActivity> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts_mut(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::PhaseStarted { .. } => *self = Self::default(),
            Event::SourceOpened { bytes } => self.total = *bytes,
            Event::SourceProgress { bytes, table, .. } => {
                self.done = *bytes;
                self.doing = table.as_ref().map(ToString::to_string);
            }
            Event::StepsPlanned { steps } => self.total = Some(*steps),
            Event::StepStarted { what } => self.doing = Some(what.clone()),
            Event::CheckFinished { .. } | Event::BatchFinished { .. } => self.done += 1,
            Event::VectorsWanted { rows } => self.total = Some(*rows),
            Event::VectorsFetched { texts, .. } => self.done += texts,
            Event::BatchesPlanned { target, .. } => self.doing = Some(target.to_string()),
            Event::IndexProgress { name, phase, done, total } => {
                self.doing = Some(format!("{name}: {phase}"));
                (self.done, self.total) = (*done, Some(*total).filter(|total| *total > 0));
            }
            Event::WorkersChanged { workers, .. } => self.workers = Some(*workers),
            Event::Busy { shares } => self.busy.clone_from(shares),
            Event::Retried { .. } => self.retries += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;

    #[test]
    fn a_phase_begins_with_nothing_and_hears_of_its_own() {
        let (vitals, heard) = (Vitals::default(), Arc::new(Mutex::new(0)));
        let counted = Arc::clone(&heard);
        let events = vitals.listen(Events::new(move |_| *counted.lock().unwrap() += 1));
        events.emit(Event::SourceOpened { bytes: Some(900) });
        events.emit(Event::SourceProgress { bytes: 300, rows: 4, table: None });
        events.retry("connection lost; trying again");
        let facts = vitals.facts();
        assert_eq!((facts.done, facts.total, facts.retries), (300, Some(900), 1));
        events.emit(Event::PhaseStarted { phase: Phase::Check });
        events.emit(Event::StepsPlanned { steps: 3 });
        events.emit(Event::StepStarted { what: "content on documents".into() });
        let facts = vitals.facts();
        assert_eq!((facts.done, facts.total, facts.retries), (0, Some(3), 0));
        assert_eq!(facts.doing.as_deref(), Some("content on documents"));
        assert_eq!(*heard.lock().unwrap(), 6);
    }
}
