-- How large final tables are, with what they keep apart and without their indexes, and how many rows they have as far as is
-- known: 0 where nothing is. $1 schemas, $2 names
select
    namespace.nspname::text as schema,
    class.relname::text as name,
    coalesce(
        (select pg_catalog.sum(pg_catalog.pg_table_size(part.relid)) from pg_catalog.pg_partition_tree(class.oid) as part),
        pg_catalog.pg_table_size(class.oid)
    )::bigint as bytes,
    greatest(class.reltuples, 0)::bigint as rows
from unnest($1::text[], $2::text[]) as target (schema, name)
join pg_catalog.pg_namespace as namespace on namespace.nspname = target.schema
join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = target.name
where class.relkind in ('r', 'p')
