-- Everything that happened to a run, in order. $1 run id
select at, kind, message, who, client_address, application
from sqlmig.event
where run_id = $1
order by ordinal
