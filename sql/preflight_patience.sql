-- A table that somebody locks is told of, and not waited for
select pg_catalog.set_config('lock_timeout', '2s', false)
