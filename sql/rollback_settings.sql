-- For the transaction that takes a batch back: as for one that promotes it; and what a deferred constraint would say at the
-- end is said at the row.
set local plan_cache_mode = force_custom_plan;
set local lock_timeout = '30s';
set local statement_timeout = '10min';
set local idle_in_transaction_session_timeout = '1min';
set local synchronous_commit = on;
set constraints all immediate;
