-- The database's collation: its version as it was recorded, and as the system has it now. The locale of a provider other than libc
-- stands in a column that PostgreSQL 17 renamed.
select
    pg_catalog.quote_ident(database.datname) as database,
    coalesce(
        pg_catalog.to_jsonb(database) ->> 'datlocale', pg_catalog.to_jsonb(database) ->> 'daticulocale', database.datcollate::text
    ) as collation,
    database.datcollversion as recorded,
    pg_catalog.pg_database_collation_actual_version(database.oid) as actual
from pg_catalog.pg_database as database
where database.datname = pg_catalog.current_database()
