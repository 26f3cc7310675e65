-- Batches of a run that are not done; of those given up, the first. $1 run id
select
    pg_catalog.count(*) filter (where state = 'pending') as pending,
    pg_catalog.min(number) filter (where state = 'failed') as failed
from sqlmig.batch
where run_id = $1 and state <> 'done'
