-- Whether a server process holds a session advisory lock. $1: class, $2: kind of lock, $3: server process
select exists (
    select
    from pg_catalog.pg_locks as held
    where held.locktype = 'advisory'
        and held.granted
        and held.objsubid = 2
        and held.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
        and held.classid = $1::int::oid
        and held.objid = $2::int::oid
        and held.pid = $3
) as is_held
