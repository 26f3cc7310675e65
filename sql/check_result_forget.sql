-- Forgets what one check of a run found before. $1 run id, $2 phase, $3 name
with forgotten as (
    delete from sqlmig.check_result where run_id = $1 and phase = $2 and name = $3
)
delete from sqlmig.finding
where run_id = $1 and phase = $2 and check_name = $3
