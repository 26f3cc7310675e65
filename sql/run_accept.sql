-- $1 run id
update sqlmig.run
set accepted_at = pg_catalog.clock_timestamp()
where id = $1
