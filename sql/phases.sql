-- $1 run id
select phase, elapsed_ms, summary
from sqlmig.phase
where run_id = $1
order by ordinal
