-- What was staged of a run is no longer there: its chunks go, and so do the rows that could not be decoded and the counts of
-- other statements, which the reader will meet again. $1 run id
with forgotten as (
    delete from sqlmig.chunk where run_id = $1
),
uncounted as (
    delete from sqlmig.source_statement where run_id = $1
)
delete from sqlmig.quarantine
where run_id = $1 and check_name = 'decode'
