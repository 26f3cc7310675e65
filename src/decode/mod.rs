//! Bytes of a dump in, rows out: pure, synchronous, memory bounded by the widest row.
