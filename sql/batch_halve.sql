-- Leaves a batch its first half and lays the second half out as a batch of its own; returns that one's number and range.
-- $1 run id, $2 number, $3 the error
with whole as materialized (
    select batch.*
    from sqlmig.batch as batch
    where batch.run_id = $1 and batch.number = $2 and batch.state = 'pending' and batch.last_row > batch.first_row
),

first_half as (
    update sqlmig.batch as batch
    set
        last_row = (whole.first_row + whole.last_row) / 2, attempts = batch.attempts + 1, failures = 0, timeouts = 0,
        retry_at = null, put_off = null, error = $3
    from whole
    where batch.run_id = whole.run_id and batch.number = whole.number
    returning batch.number
)

insert into sqlmig.batch (run_id, number, transform, target, source, first_row, last_row, counted, planned_epoch)
select
    $1, (select pg_catalog.max(number) + 1 from sqlmig.batch where run_id = $1), whole.transform, whole.target,
    whole.source, (whole.first_row + whole.last_row) / 2 + 1, whole.last_row, whole.counted, whole.planned_epoch
from whole
cross join first_half
returning number, first_row, last_row
