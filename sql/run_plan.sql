-- The plan that a run follows, if it follows one. $1 run id
select plan_sha256, planned, at
from sqlmig.run_plan
where run_id = $1
