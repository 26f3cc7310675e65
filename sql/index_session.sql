-- For the connection that builds an index: it takes as long as it takes, also to wait for those who were there before.
-- Building it waits for every older transaction; a lock timeout would leave a broken index each time.
select
    pg_catalog.set_config('statement_timeout', '0', false),
    pg_catalog.set_config('lock_timeout', '0', false),
    pg_catalog.pg_backend_pid() as pid
