-- The columns of a table of the target, in their order. $1 schema, $2 table. `comparable` is false for types without
-- an equality operator (json, xml, point), whose values are compared as text. `hashable` is true where a row with the column
-- can be hashed as it is (a hash operator class with the extended function, number 2); else `send_schema` and `send`
-- name the function that gives the value as bytes, if the type has one.
select
    attribute.attname::text as name,
    pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) as type_name,
    attribute.atttypid as type_oid,
    type.typname::text as base_type,
    attribute.attnotnull and not attribute.atthasdef and attribute.attidentity = '' as required,
    attribute.attgenerated <> '' or attribute.attidentity = 'a' as generated,
    attribute.attidentity = 'a' as identity_always,
    type.typcategory in ('A', 'E', 'R')
    or exists (
        select
        from pg_catalog.pg_operator as operator
        where operator.oprname = '='
            and operator.oprleft = coalesce(nullif(type.typbasetype, 0), type.oid)
            and operator.oprright = operator.oprleft
    ) as comparable,
    element.typtype = 'e'
    or exists (
        select
        from pg_catalog.pg_opclass as class
        join pg_catalog.pg_am as method on method.oid = class.opcmethod and method.amname = 'hash'
        join pg_catalog.pg_amproc as proc
            on proc.amprocfamily = class.opcfamily
            and proc.amproclefttype = class.opcintype
            and proc.amprocrighttype = class.opcintype
            and proc.amprocnum = 2
        -- varchar has no class of its own; it is hashed as text.
        where class.opcdefault
            and class.opcintype = case when element.typname = 'varchar' then 'text'::regtype else element.oid end
    ) as hashable,
    send_namespace.nspname::text as send_schema,
    send.proname::text as send
from pg_catalog.pg_attribute as attribute
join pg_catalog.pg_class as class on class.oid = attribute.attrelid
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_type as type on type.oid = attribute.atttypid
-- What is hashed in the end: a domain's base type, an array's elements.
join pg_catalog.pg_type as plain on plain.oid = coalesce(nullif(type.typbasetype, 0), type.oid)
join pg_catalog.pg_type as element
    on element.oid = case when plain.typcategory = 'A' and plain.typelem <> 0 then plain.typelem else plain.oid end
left join pg_catalog.pg_proc as send on send.oid = type.typsend::oid
left join pg_catalog.pg_namespace as send_namespace on send_namespace.oid = send.pronamespace
where namespace.nspname = $1
    and class.relname = $2
    and class.relkind in ('r', 'p')
    and attribute.attnum > 0
    and not attribute.attisdropped
order by attribute.attnum
