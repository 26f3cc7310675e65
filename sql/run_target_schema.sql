-- $1 run id, $2 the shape of the final tables
update sqlmig.run
set target_schema = $2
where id = $1
