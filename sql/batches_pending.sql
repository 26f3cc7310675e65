-- $1 run id, $2 transform
select pg_catalog.count(*) as batches, coalesce(pg_catalog.sum(last_row - first_row + 1), 0)::bigint as rows
from sqlmig.batch
where run_id = $1 and transform = $2 and state = 'pending'
