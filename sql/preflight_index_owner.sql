-- Indexes that are still to be built on a table which this role does not own: only a table's owner may. $1 schemas, $2 tables,
-- $3 names of the indexes, one for one
select
    wanted.index_name,
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) as name,
    owner.rolname::text as owner
from unnest($1::text[], $2::text[], $3::text[]) as wanted (schema, name, index_name)
join pg_catalog.pg_namespace as namespace on namespace.nspname = wanted.schema
join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = wanted.name
join pg_catalog.pg_roles as owner on owner.oid = class.relowner
where class.relkind in ('r', 'p')
    and not pg_catalog.pg_has_role(class.relowner, 'usage')
    and not exists (
        select
        from pg_catalog.pg_index as built
        join pg_catalog.pg_class as index on index.oid = built.indexrelid
        where built.indrelid = class.oid and index.relname = wanted.index_name and built.indisvalid
    )
order by 1
