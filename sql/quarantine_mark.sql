-- Marks the rows that a retry has taken in the quarantine where it took them from. $1 the retry's run id
update sqlmig.quarantine as quarantine
set retried_by = $1
from sqlmig.retry as retry
where retry.run_id = $1
    and quarantine.run_id = retry.from_run
    and quarantine.source = retry.source
    and quarantine.row = retry.row
