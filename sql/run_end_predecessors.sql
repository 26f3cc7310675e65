-- Ends the server processes that hold a lock on a row of the runs, or the turn to begin a run or take one on. Asked only by
-- who holds the run lock and could not get these in time: whoever had the run before is stuck, with a transaction open. One that waits
-- for a lock itself, or has only begun, is none of those; it may be another session of the very process that asks.
-- $1: class of advisory locks, $2: the kind that is the turn
select pg_catalog.count(*) filter (where pg_catalog.pg_terminate_backend(stuck.pid)) as ended
from (
    select distinct held.pid
    from pg_catalog.pg_locks as held
    left join pg_catalog.pg_stat_activity as session on session.pid = held.pid
    where held.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
        and held.granted
        and held.pid <> pg_catalog.pg_backend_pid()
        and session.wait_event_type is distinct from 'Lock'
        and coalesce(session.xact_start < pg_catalog.clock_timestamp() - interval '500 milliseconds', true)
        and (
            held.relation = pg_catalog.to_regclass('sqlmig.run') and held.mode in ('RowShareLock', 'RowExclusiveLock')
            or held.locktype = 'advisory' and held.objsubid = 2
            and held.classid = $1::int::oid and held.objid = $2::int::oid
        )
) as stuck
