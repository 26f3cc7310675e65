//! Runs the checks and settles duplicates.
