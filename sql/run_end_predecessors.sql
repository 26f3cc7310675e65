-- Ends the server processes that hold a lock on a row of the runs. Asked only by who holds the run lock and could not get
-- the run's row in time: whoever had the run before is stuck, with a transaction open.
select pg_catalog.count(*) filter (where pg_catalog.pg_terminate_backend(held.pid)) as ended
from pg_catalog.pg_locks as held
where held.relation = 'sqlmig.run'::regclass
    and held.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and held.mode in ('RowShareLock', 'RowExclusiveLock')
    and held.granted
    and held.pid <> pg_catalog.pg_backend_pid()
