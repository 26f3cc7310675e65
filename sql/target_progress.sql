-- $1 run id
select
    target,
    pg_catalog.count(*) filter (where state = 'done') as batches_done,
    pg_catalog.count(*) filter (where state <> 'rolled_back') as batches_planned,
    coalesce(pg_catalog.sum(last_row - first_row + 1) filter (where state = 'done'), 0)::bigint as rows_done,
    coalesce(pg_catalog.sum(last_row - first_row + 1) filter (where state <> 'rolled_back'), 0)::bigint as rows_planned
from sqlmig.batch
where run_id = $1
group by transform, target
order by pg_catalog.min(number)
