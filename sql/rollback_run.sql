-- Whether a run can be taken back. $1 run id
select state, accepted_at
from sqlmig.run
where id = $1
