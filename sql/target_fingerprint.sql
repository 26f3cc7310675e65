-- A digest of the columns of some tables: names, types, whether they may be null, in their order. $1 schemas, $2 tables
select coalesce(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(
    pg_catalog.format(
        '%I.%I.%I %s %s', namespace.nspname, class.relname, attribute.attname,
        pg_catalog.format_type(attribute.atttypid, attribute.atttypmod), attribute.attnotnull
    ),
    E'\n' order by namespace.nspname, class.relname, attribute.attnum
), 'UTF8')), 'hex'), '') as fingerprint
from unnest($1::text[], $2::text[]) as target (schema, name)
join pg_catalog.pg_namespace as namespace on namespace.nspname = target.schema
join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = target.name
join pg_catalog.pg_attribute as attribute on attribute.attrelid = class.oid
where attribute.attnum > 0 and not attribute.attisdropped
