//! Takes back what a run did.
