//! Builds the canonical relations over the staged rows.
