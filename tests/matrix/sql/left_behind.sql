-- What a run must not leave: its lock, its server processes, transactions prepared by anyone.
select pg_catalog.concat_ws(
    '; ',
    (
        select 'locks: ' || pg_catalog.string_agg(l.pid::text, ', ')
        from pg_catalog.pg_locks as l
        where l.locktype = 'advisory'
            and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    ),
    (
        select 'server processes: ' || pg_catalog.string_agg(pg_catalog.format('%s %s %s', a.pid, a.state, pg_catalog.left(a.query, 60)), ', ')
        from pg_catalog.pg_stat_activity as a
        where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid() and a.backend_type = 'client backend'
    ),
    (select 'prepared transactions: ' || pg_catalog.string_agg(gid, ', ') from pg_catalog.pg_prepared_xacts)
)
