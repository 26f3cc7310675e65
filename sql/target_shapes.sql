-- The columns of every user table of the target, table by table and in their order: what a data-only dump leaves to be
-- known. sqlmig's own tables are not among them.
select
    namespace.nspname::text as schema,
    class.relname::text as table,
    attribute.attname::text as name,
    pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) as type_name,
    attribute.attgenerated <> '' as generated
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_attribute as attribute on attribute.attrelid = class.oid
where class.relkind in ('r', 'p')
    and namespace.nspname not in ('information_schema', 'staging', 'sqlmig')
    and not pg_catalog.starts_with(namespace.nspname, 'pg_')
    and attribute.attnum > 0
    and not attribute.attisdropped
order by class.oid, attribute.attnum
