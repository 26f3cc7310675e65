-- For the transaction of a batch. It waits for nobody and nothing for long; its plan must be made for its own range of rows,
-- not for any range; and when it is called done, it is on disk. Local, because the connection is used for other things
-- afterwards. That the server looks whether its client is still there is set for the whole session
-- (session_check_interval.sql), where a server that cannot do it may say so without ending a transaction.
-- $1 time for a lock, $2 for a statement, $3 without any statement
select
    pg_catalog.set_config('plan_cache_mode', 'force_custom_plan', true),
    -- A batch's rows without their wide values, kept for its several parts: at 4 MB they would go to a file.
    pg_catalog.set_config('work_mem', '32MB', true),
    pg_catalog.set_config('lock_timeout', $1, true),
    pg_catalog.set_config('statement_timeout', $2, true),
    pg_catalog.set_config('idle_in_transaction_session_timeout', $3, true),
    -- PostgreSQL 17 and later; it would end the whole connection.
    case
        when pg_catalog.current_setting('server_version_num')::integer >= 170000
            then pg_catalog.set_config('transaction_timeout', '0', true)
    end,
    pg_catalog.set_config('synchronous_commit', 'on', true)
