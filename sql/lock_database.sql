-- The database that this connection is to.
select pg_catalog.current_database()::text as database
