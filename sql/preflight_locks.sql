-- Locks of others on the final tables that a write to them would wait for (manual, "Table-Level Locks"). $1 schemas, $2 names
select
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) as name,
    held.mode,
    held.granted,
    held.pid,
    coalesce(
        'server process ' || held.pid::text
        || coalesce(' (' || nullif(activity.application_name, '') || ')', '')
        || coalesce(', ' || activity.state, ''),
        'a prepared transaction'
    ) as who
from unnest($1::text[], $2::text[]) as target (schema, name)
join pg_catalog.pg_namespace as namespace on namespace.nspname = target.schema
join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = target.name
join pg_catalog.pg_locks as held
    on held.locktype = 'relation'
    and held.relation = class.oid
    and held.database = (select own.oid from pg_catalog.pg_database as own where own.datname = pg_catalog.current_database())
left join pg_catalog.pg_stat_activity as activity on activity.pid = held.pid
where held.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    and held.pid is distinct from pg_catalog.pg_backend_pid()
order by 1, held.granted desc, 2
