-- What the catalogue holds, with the files that hold the tables: anything made, changed, emptied or dropped shows.
select md5(string_agg(entry, e'\n' order by entry))
from (
    select 'class ' || oid::text || relname || relfilenode::text || relnamespace::text as entry
    from pg_class
    where relnamespace <> 'pg_toast'::regnamespace
    union all
    select 'function ' || oid::text || proname || xmin::text
    from pg_proc
    union all
    select 'schema ' || oid::text || nspname
    from pg_namespace
    where nspname !~ '^pg_(toast_)?temp'
    union all
    select 'extension ' || extname
    from pg_extension
    union all
    select 'column ' || attrelid::text || attname || attnum::text
    from pg_attribute
    where attnum > 0
) as entries
