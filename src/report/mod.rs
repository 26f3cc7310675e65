//! Renders a run's outcome for people and machines.
