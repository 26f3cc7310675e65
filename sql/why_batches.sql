-- The batches whose range a row is in, and those that are named. $1 run id, $2 source table or null, $3 row or null,
-- $4 batches
select
    number, transform, target, first_row, last_row, state, attempts, xid::text as xid, epoch, finished_at, undo_table
from sqlmig.batch
where run_id = $1
    and (number = any ($4) or (source = $2 and $3::bigint between first_row and last_row))
order by number
