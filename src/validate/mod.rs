//! Proves the result: the books, and the project's proofs.
