-- What became of a batch. Waits for a transaction that has it in hand, which is the answer to a COMMIT that none came to.
-- $1 run id, $2 number
select state, xid::text as xid, first_row, last_row, failures, put_off
from sqlmig.batch
where run_id = $1 and number = $2
for update
