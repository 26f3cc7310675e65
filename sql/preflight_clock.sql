-- The server's time
select pg_catalog.clock_timestamp() as now
