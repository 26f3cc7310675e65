-- $1 run id, $2 number, $3 the error, $4 whether it is given up
update sqlmig.batch
set attempts = attempts + 1, error = $3, state = case when $4 then 'failed' else state end
where run_id = $1 and number = $2 and state <> 'done'
