-- The foreign keys by which rows refer to rows of a table. $1 schema, $2 table. `own` is one of the table to itself;
-- `refuses` says that the server itself refuses to delete a row that is referred to, rather than delete or change those that
-- refer to it; `readable` whether this role may look for them. Of a partitioned table's keys, each is one.
select
    namespace.nspname::text as schema,
    class.relname::text as table,
    reference.conname::text as name,
    reference.conrelid = reference.confrelid as own,
    (
        select pg_catalog.array_agg(attribute.attname::text order by place.ordinality)
        from pg_catalog.unnest(reference.conkey) with ordinality as place (number, ordinality)
        join pg_catalog.pg_attribute as attribute
            on attribute.attrelid = reference.conrelid and attribute.attnum = place.number
    ) as columns,
    (
        select pg_catalog.array_agg(attribute.attname::text order by place.ordinality)
        from pg_catalog.unnest(reference.confkey) with ordinality as place (number, ordinality)
        join pg_catalog.pg_attribute as attribute
            on attribute.attrelid = reference.confrelid and attribute.attnum = place.number
    ) as referenced,
    reference.confdeltype in ('a', 'r') and reference.confupdtype in ('a', 'r') as refuses,
    pg_catalog.has_schema_privilege(namespace.oid, 'usage')
    and pg_catalog.has_table_privilege(reference.conrelid, 'select') as readable
from pg_catalog.pg_constraint as reference
join pg_catalog.pg_class as class on class.oid = reference.conrelid
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
left join pg_catalog.pg_constraint as parent
    on parent.oid = reference.conparentid and parent.confrelid = reference.confrelid
where reference.contype = 'f'
    and parent.oid is null
    and reference.confrelid = (
        select target.oid
        from pg_catalog.pg_class as target
        join pg_catalog.pg_namespace as target_namespace on target_namespace.oid = target.relnamespace
        where target_namespace.nspname = $1 and target.relname = $2
    )
order by namespace.nspname, class.relname, reference.conname
