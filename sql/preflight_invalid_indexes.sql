-- Invalid indexes of the final tables. $1 schemas, $2 names
select
    index.indexrelid::regclass::text as name,
    own.relname::text as plain,
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) as table
from unnest($1::text[], $2::text[]) as target (schema, name)
join pg_catalog.pg_namespace as namespace on namespace.nspname = target.schema
join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = target.name
join pg_catalog.pg_index as index on index.indrelid = class.oid
join pg_catalog.pg_class as own on own.oid = index.indexrelid
where not (index.indisvalid and index.indisready)
order by 1
