-- What the server does for this process at this moment: its backends that are at work, by what they wait for; parallel workers of
-- theirs among them, this one not. Those that wait for this process itself (a COPY for more rows) are not at work.
with active as (
    select
        case
            when wait_event is null then 'cpu'
            when wait_event_type = 'Lock' then 'locks'
            -- Of type IO or LWLock, and spelled in two ways: PostgreSQL 17 has WalSync where 16 has WALSync.
            when pg_catalog.starts_with(pg_catalog.lower(wait_event), 'wal') or wait_event = 'SyncRep' then 'wal'
            when wait_event_type = 'IO' then 'disk'
            else 'other'
        end as part
    from pg_catalog.pg_stat_activity
    where datid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
        and application_name = pg_catalog.left(pg_catalog.current_setting('application_name'), 63)
        and pid <> pg_catalog.pg_backend_pid()
        and state = 'active'
        and wait_event_type is distinct from 'Client'
)

select
    pg_catalog.count(*) filter (where part = 'cpu') as cpu,
    pg_catalog.count(*) filter (where part = 'wal') as wal,
    pg_catalog.count(*) filter (where part = 'disk') as disk,
    pg_catalog.count(*) filter (where part = 'locks') as locks,
    pg_catalog.count(*) filter (where part = 'other') as other
from active
