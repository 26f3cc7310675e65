-- An index by its name: whose it is, whether it can be used (an unfinished CREATE INDEX CONCURRENTLY leaves one that cannot), and what
-- sqlmig noted of its definition. $1 schema, $2 name
select
    pg_catalog.format('%I.%I', table_schema.nspname, owner.relname) as on_table,
    index.indisvalid and index.indisready as is_valid,
    pg_catalog.obj_description(own.oid, 'pg_class') as note
from pg_catalog.pg_class as own
join pg_catalog.pg_namespace as own_schema on own_schema.oid = own.relnamespace
join pg_catalog.pg_index as index on index.indexrelid = own.oid
join pg_catalog.pg_class as owner on owner.oid = index.indrelid
join pg_catalog.pg_namespace as table_schema on table_schema.oid = owner.relnamespace
where own_schema.nspname = $1 and own.relname = $2
