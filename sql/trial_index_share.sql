-- How large the indexes of a table are beside the table, and how many it has. $1 schema, $2 table
select
    pg_catalog.pg_table_size(class.oid) as table_bytes,
    pg_catalog.pg_indexes_size(class.oid) as index_bytes,
    (select pg_catalog.count(*) from pg_catalog.pg_index as own where own.indrelid = class.oid) as indexes
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = $1 and class.relname = $2
