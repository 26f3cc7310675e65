-- For the transaction that takes a batch back: as for one that promotes it, but with the session's time for a statement, since
-- it cannot be halved; and what a deferred constraint would say at the end is said at the row.
set local plan_cache_mode = force_custom_plan;
set local synchronous_commit = on;
set constraints all immediate;
