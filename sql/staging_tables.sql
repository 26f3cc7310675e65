-- The tables in the staging schema; `ours` are those that sqlmig made, which it marks by a comment.
select
    class.relname::text as name,
    coalesce(pg_catalog.obj_description(class.oid, 'pg_class') like 'sqlmig:%', false) as ours
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = 'staging' and class.relkind in ('r', 'p', 'v', 'm', 'f')
order by class.relname
