-- The columns of a table of the target, in their order. $1 schema, $2 table. `comparable` is false for types without
-- an equality operator (json, xml, point), whose values are compared as text.
select
    attribute.attname::text as name,
    pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) as type_name,
    attribute.atttypid as type_oid,
    type.typname::text as base_type,
    attribute.attnotnull and not attribute.atthasdef and attribute.attidentity = '' as required,
    attribute.attgenerated <> '' or attribute.attidentity = 'a' as generated,
    type.typcategory in ('A', 'E', 'R')
    or exists (
        select
        from pg_catalog.pg_operator as operator
        where operator.oprname = '='
            and operator.oprleft = coalesce(nullif(type.typbasetype, 0), type.oid)
            and operator.oprright = operator.oprleft
    ) as comparable
from pg_catalog.pg_attribute as attribute
join pg_catalog.pg_class as class on class.oid = attribute.attrelid
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_type as type on type.oid = attribute.atttypid
where namespace.nspname = $1
    and class.relname = $2
    and class.relkind in ('r', 'p')
    and attribute.attnum > 0
    and not attribute.attisdropped
order by attribute.attnum
