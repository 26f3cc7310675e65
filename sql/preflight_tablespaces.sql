-- Tablespaces with a place of their own that a run writes to: where the database's and new tables are, and final tables
-- with their indexes. $1 schemas, $2 names
select distinct tablespace.spcname::text as name, pg_catalog.pg_tablespace_location(tablespace.oid) as folder
from pg_catalog.pg_tablespace as tablespace
where pg_catalog.pg_tablespace_location(tablespace.oid) <> ''
    and (
        tablespace.spcname = pg_catalog.current_setting('default_tablespace')
        or tablespace.oid in (
            select database.dattablespace
            from pg_catalog.pg_database as database
            where database.datname = pg_catalog.current_database()
        )
        or tablespace.oid in (
            select unnest(array[class.reltablespace, index.reltablespace])
            from unnest($1::text[], $2::text[]) as target (schema, name)
            join pg_catalog.pg_namespace as namespace on namespace.nspname = target.schema
            join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = target.name
            left join pg_catalog.pg_index as own on own.indrelid = class.oid
            left join pg_catalog.pg_class as index on index.oid = own.indexrelid
        )
    )
order by 1
