-- The schema that pgvector's types live in; no row when the extension is not in this database
select namespace.nspname::text as schema_name
from pg_catalog.pg_extension as extension
join pg_catalog.pg_namespace as namespace on namespace.oid = extension.extnamespace
where extension.extname = 'vector'
