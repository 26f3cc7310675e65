-- What the server and this database are, in one row.
select
    pg_catalog.current_setting('server_version_num')::int as version_num,
    pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) as version,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    pg_catalog.pg_encoding_to_char(d.encoding)::text as encoding,
    e.extversion as pgvector,
    n.nspname::text as pgvector_schema,
    a.default_version as pgvector_available,
    pg_catalog.has_database_privilege(d.oid, 'create') as can_create,
    pg_catalog.current_setting('is_superuser') = 'on' as superuser,
    pg_catalog.current_setting('max_connections')::int as max_connections
from pg_catalog.pg_database as d
left join pg_catalog.pg_extension as e on e.extname = 'vector'
left join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
left join pg_catalog.pg_available_extensions as a on a.name = 'vector'
where d.datname = pg_catalog.current_database();
