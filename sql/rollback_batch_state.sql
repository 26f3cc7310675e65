-- Locks a batch. $1 run id, $2 number
select state, rows_kept
from sqlmig.batch
where run_id = $1 and number = $2
for update
