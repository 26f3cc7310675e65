//! Streams a source into UNLOGGED staging tables.
