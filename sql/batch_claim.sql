-- Takes the next batch that no other worker has in hand and no foreign key held up, and locks it until the transaction ends.
-- $1 run id, $2 transform, $3 the epoch it was laid out in
select number, source, first_row, last_row, counted, failures, timeouts
from sqlmig.batch
where run_id = $1 and transform = $2 and planned_epoch = $3 and state = 'pending' and put_off is null
    and (retry_at is null or retry_at <= pg_catalog.clock_timestamp())
order by number
limit 1
for update skip locked
