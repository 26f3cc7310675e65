//! Whether texts are at fault or the service, where answers cannot be used.
//!
//! Texts that each spoil the answer to all in their request look like a service that is broken. What tells the one from the
//! other is a text that no service has anything against: where nothing usable came for a while, it is sent by itself, and
//! nothing else until it is answered. If it is answered well, those texts are at fault; if it is not, the service is.

use super::job::Job;
use crate::provider::RequestError;

/// Answers without a usable vector, with none between that has one, after which it is asked whose fault that is.
const STRIKES: u32 = 3;

/// Where the question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// Nothing is in doubt.
    Idle,
    /// The control text is to be sent next.
    Wanted,
    /// It is in flight.
    Sent,
}

/// What is held against texts until it is known whether the service is at fault.
#[derive(Debug)]
pub(super) struct Doubt {
    suspects: Vec<(Job, RequestError)>,
    strikes: u32,
    control: Control,
    /// Times that the control text was not answered well.
    refuted: u32,
}

impl Doubt {
    pub fn none() -> Self {
        Self { suspects: Vec::new(), strikes: 0, control: Control::Idle, refuted: 0 }
    }

    pub fn control(&self) -> Control {
        self.control
    }

    /// One more answer without a usable vector.
    pub fn strike(&mut self) {
        self.strikes += 1;
        if self.strikes >= STRIKES && self.control == Control::Idle {
            self.control = Control::Wanted;
        }
    }

    /// Texts of one answer that had no usable vector in it, as often as they were sent.
    pub fn suspects(&mut self, found: Vec<(Job, RequestError)>) {
        self.suspects.extend(found);
        self.strike();
    }

    /// Texts that had no answer: it is asked at once whether others have one.
    pub fn contest(&mut self, job: Job, error: RequestError) {
        self.suspects.push((job, error));
        if self.control == Control::Idle {
            self.control = Control::Wanted;
        }
    }

    /// The control text is on its way.
    pub fn sent(&mut self) {
        self.control = Control::Sent;
    }

    /// The control text could not be sent yet.
    pub fn put_back(&mut self) {
        self.control = Control::Wanted;
    }

    /// The control text was not answered well, and is to be sent again.
    pub fn refute(&mut self) {
        self.refuted += 1;
        self.control = Control::Wanted;
    }

    /// A usable vector came, of the control text or of another: the texts in question, and whether they are at fault. It is not
    /// certain that they are where the control text failed as they did, and was answered later; nor where several had no usable
    /// answer one after another, and the service may have been mended since.
    pub fn settle(&mut self, is_control: bool) -> Settled {
        self.strikes = 0;
        if is_control || self.control == Control::Wanted {
            self.control = Control::Idle;
        }
        let suspects = std::mem::take(&mut self.suspects);
        let is_mended = std::mem::take(&mut self.refuted) > 0 || (!is_control && suspects.len() > 1);
        if is_mended { Settled::Doubtful(suspects) } else { Settled::Guilty(suspects) }
    }

    /// The texts in question at the end of all others.
    pub fn rest(&mut self) -> Vec<(Job, RequestError)> {
        std::mem::take(&mut self.suspects)
    }
}

/// Texts that were in question.
pub(super) enum Settled {
    /// They are at fault: others are answered.
    Guilty(Vec<(Job, RequestError)>),
    /// The service may have been: they are sent again.
    Doubtful(Vec<(Job, RequestError)>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> RequestError {
        RequestError::Garbled("as a test wants it".into())
    }

    #[test]
    fn three_texts_in_a_row_raise_the_question_and_a_good_answer_ends_it() {
        let mut doubt = Doubt::none();
        for _ in 0..2 {
            doubt.suspects(vec![(Job::of(Vec::new()), error())]);
        }
        assert_eq!(doubt.control(), Control::Idle);
        assert!(matches!(doubt.settle(false), Settled::Doubtful(suspects) if suspects.len() == 2));
        for expected in [Control::Idle, Control::Idle, Control::Wanted] {
            doubt.suspects(vec![(Job::of(Vec::new()), error())]);
            assert_eq!(doubt.control(), expected);
        }
        doubt.sent();
        assert!(matches!(doubt.settle(true), Settled::Guilty(suspects) if suspects.len() == 3));
        assert_eq!(doubt.control(), Control::Idle);
        assert!(doubt.rest().is_empty());
    }

    #[test]
    fn texts_are_not_at_fault_where_the_control_failed_too() {
        let mut doubt = Doubt::none();
        doubt.contest(Job::of(Vec::new()), error());
        assert_eq!(doubt.control(), Control::Wanted);
        doubt.sent();
        doubt.refute();
        doubt.sent();
        assert!(matches!(doubt.settle(true), Settled::Doubtful(suspects) if suspects.len() == 1));
        // What comes later is judged anew.
        doubt.contest(Job::of(Vec::new()), error());
        assert!(matches!(doubt.settle(false), Settled::Guilty(suspects) if suspects.len() == 1));
    }
}
