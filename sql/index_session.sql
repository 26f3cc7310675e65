-- For the connection that builds an index: it takes as long as it takes. Building it waits for every older transaction, as for a
-- lock, and a lock timeout leaves a broken index: so it waits for an hour, but not for ever.
select
    pg_catalog.set_config('statement_timeout', '0', false),
    pg_catalog.set_config('lock_timeout', '1h', false),
    pg_catalog.pg_backend_pid() as pid
