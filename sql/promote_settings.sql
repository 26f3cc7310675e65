-- For the transaction of a batch. A batch is a few thousand rows, so one that takes minutes waits for something; its plan
-- must be made for its own range of rows, not for any range; and when it is called done, it is on disk. Local, because
-- the connection is used for other things afterwards.
set local plan_cache_mode = force_custom_plan;
set local lock_timeout = '30s';
set local statement_timeout = '10min';
set local idle_in_transaction_session_timeout = '1min';
set local synchronous_commit = on;
