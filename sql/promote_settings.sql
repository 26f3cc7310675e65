-- For connections that promote. A batch is a few thousand rows, so one that takes minutes waits for something; and its
-- plan must be made for its own range of rows, not for any range.
set plan_cache_mode = force_custom_plan;
set lock_timeout = '30s';
set statement_timeout = '10min';
set idle_in_transaction_session_timeout = '1min';
