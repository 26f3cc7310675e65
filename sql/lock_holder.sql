-- Who holds an advisory lock of this database. $1: class, $2: kind of lock.
-- objsubid 2 marks locks with a key of two numbers (manual, "pg_locks").
select
    l.pid,
    a.application_name,
    pg_catalog.host(a.client_addr) as client_addr,
    a.backend_start as since
from pg_catalog.pg_locks as l
left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
where l.locktype = 'advisory'
    and l.granted
    and l.objsubid = 2
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
    and l.classid = $1::int::oid
    and l.objid = $2::int::oid
limit 1;
