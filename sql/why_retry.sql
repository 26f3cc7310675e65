-- A row that a retry took. $1 the retry's run id, $2 source table, $3 row
select from_run, mended, staged
from sqlmig.retry
where run_id = $1 and source = $2 and row = $3
