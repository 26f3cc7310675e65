-- $1 run id, $2 number, $3 the error, $4 whether it is given up, $5 whether it took too long, $6 milliseconds until anyone
-- may claim it again
update sqlmig.batch
set
    attempts = attempts + 1, failures = failures + 1, timeouts = timeouts + $5::boolean::integer, error = $3,
    state = case when $4 then 'failed' else state end,
    retry_at = pg_catalog.clock_timestamp() + $6::double precision * interval '1 millisecond'
where run_id = $1 and number = $2 and state = 'pending'
