-- $1 run id, $2 the state it has reached. An error of an earlier try is forgotten: the step went through.
update sqlmig.run
set state = $2, error = null, finished_at = case when $2 in ('done', 'rolled_back') then pg_catalog.now() end
where id = $1
