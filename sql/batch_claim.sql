-- Takes the next batch that no other worker has in hand, and locks it until the transaction ends.
-- $1 run id, $2 transform
select number, source, first_row, last_row
from sqlmig.batch
where run_id = $1 and transform = $2 and state = 'pending'
order by number
limit 1
for update skip locked
