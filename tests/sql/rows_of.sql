-- What a test compares: the columns of a table and its rows in the order of the heap, every value as the type's own
-- output function writes it, vectors as the hex form of their binary one. Of a staging table, the rows are in the order
-- of `_row`, which is not among the columns, nor is their digest. Generated columns count as null: a dump does not hold them.
create function pg_temp.columns_of(target regclass)
returns table (name text, type text, expression text)
stable
begin atomic
    select
        attribute.attname::text,
        type.typname::text,
        case
            when attribute.attgenerated <> '' then 'null::text'
            when type.typname in ('vector', 'halfvec', 'sparsevec') then
                format('encode(%I.%I(%I), ''hex'')', home.nspname, type.typname || '_send', attribute.attname)
            -- Of a composite value whose fields are all null, `is null` holds; num_nulls says whether there is none.
            else format('case when num_nulls(%1$I) = 0 then concat(%1$I) end', attribute.attname)
        end
    from pg_attribute as attribute
    join pg_class as class on class.oid = attribute.attrelid
    join pg_namespace as namespace on namespace.oid = class.relnamespace
    join pg_type as type on type.oid = attribute.atttypid
    join pg_namespace as home on home.oid = type.typnamespace
    where attribute.attrelid = target
        and attribute.attnum > 0
        and not attribute.attisdropped
        and not (namespace.nspname = 'staging' and attribute.attname in ('_row', '_digest'))
    order by attribute.attnum;
end;

create function pg_temp.rows_of(target regclass, staged boolean)
returns table (ordinal bigint, fields text[])
language plpgsql
stable
as $$
begin
    return query execute format(
        'select %s, array[%s]::text[] from only %s order by 1',
        case when staged then '_row' else 'row_number() over (order by ctid)' end,
        (select string_agg(expression, ', ') from pg_temp.columns_of(target)),
        target
    );
end
$$;

-- The tables that a dump has rows of.
create function pg_temp.tables_of()
returns table (schema text, name text)
stable
begin atomic
    select namespace.nspname::text, class.relname::text
    from pg_class as class
    join pg_namespace as namespace on namespace.oid = class.relnamespace
    where class.relkind = 'r'
        and namespace.nspname not in ('information_schema', 'staging', 'sqlmig')
        and not starts_with(namespace.nspname, 'pg_')
    order by class.oid;
end;
