-- A run that is not gone on with, because another source or project was asked for. What it promoted stays. $1 run id
update sqlmig.run
set state = 'superseded', finished_at = pg_catalog.clock_timestamp()
where id = $1
