-- $1 run id. Locks the run's row against a new conductor; says which epoch it is in, and whether the row that a crash of
-- the server would have emptied with the staging tables is there.
select run.epoch, exists (select from sqlmig.canary where canary.run_id = run.id) as has_canary
from sqlmig.run
where run.id = $1
for share of run
