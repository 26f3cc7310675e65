-- For the transaction of a trial. It waits for nobody's lock for long, since it may apply migrations that it takes back; a COPY may
-- wait for a slow source, and a pause to decode is none of the server's business. $1 lock timeout in milliseconds
select
    pg_catalog.set_config('lock_timeout', $1, true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('idle_in_transaction_session_timeout', '0', true),
    -- PostgreSQL 17 and later; it would end the whole connection.
    case
        when pg_catalog.current_setting('server_version_num')::integer >= 170000
            then pg_catalog.set_config('transaction_timeout', '0', true)
    end,
    pg_catalog.set_config('plan_cache_mode', 'force_custom_plan', true),
    pg_catalog.set_config('work_mem', '32MB', true)
