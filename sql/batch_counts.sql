-- $1 run id
select
    pg_catalog.count(*) filter (where state = 'done') as done,
    pg_catalog.count(*) filter (where state = 'failed') as failed,
    pg_catalog.count(*) filter (where state = 'pending') as pending,
    pg_catalog.count(*) filter (where state = 'rolled_back') as rolled_back,
    coalesce(pg_catalog.sum(greatest(attempts - 1, 0)), 0)::bigint as retried
from sqlmig.batch
where run_id = $1
