-- $1 run id
select kind, count
from sqlmig.source_statement
where run_id = $1
order by kind
