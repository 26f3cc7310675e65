-- What the server has and what of it is taken. Connections of sqlmig are known by their names. $1 class and $2 kind of the lock
-- that a conductor holds
select
    pg_catalog.count(*) filter (where application_name like 'sqlmig%') as connections,
    pg_catalog.count(*) filter (where datid is not null) as connections_all,
    pg_catalog.current_setting('max_connections')::bigint as connections_max,
    pg_catalog.pg_database_size(pg_catalog.current_database()) as database_bytes,
    case
        when not pg_catalog.pg_is_in_recovery()
            then pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint
    end as wal_bytes,
    exists (
        select
        from pg_catalog.pg_locks as held
        where held.locktype = 'advisory'
            and held.granted
            and held.objsubid = 2
            and held.database = (
                select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database()
            )
            and held.classid = $1::int::oid
            and held.objid = $2::int::oid
    ) as is_conducted
from pg_catalog.pg_stat_activity
