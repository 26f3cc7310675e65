-- Whether a table has a valid unique index on exactly these columns, in any order, and none of them may be null: a null
-- equals nothing, so a row with one in its key would be inserted anew by every load. Nor may it be deferrable: ON CONFLICT does
-- not go by one that is. $1 schema, $2 table, $3 columns
select exists (
    select
    from pg_catalog.pg_index as index
    join pg_catalog.pg_class as class on class.oid = index.indrelid
    join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
    where namespace.nspname = $1
        and class.relname = $2
        and index.indisunique
        and index.indisvalid
        and index.indimmediate
        and index.indpred is null
        and index.indexprs is null
        and (
            select pg_catalog.array_agg(attribute.attname::text order by attribute.attname::text)
            from pg_catalog.pg_attribute as attribute
            where attribute.attrelid = class.oid
                and attribute.attnotnull
                and attribute.attnum = any (index.indkey[:index.indnkeyatts - 1])
        ) = (select pg_catalog.array_agg(wanted.name order by wanted.name) from pg_catalog.unnest($3::text[]) as wanted (name))
) as has_unique_key
