-- $1 run id, $2 the error, without secrets. The state stays: the run can be gone on with from there.
update sqlmig.run
set error = $2, finished_at = pg_catalog.now()
where id = $1
