//! Writes the surviving rows to the final tables in batched, undoable transactions.
