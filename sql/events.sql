-- $1 run id, $2 kind
select message
from sqlmig.event
where run_id = $1 and kind = $2
order by ordinal
