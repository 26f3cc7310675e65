-- $1 run id
select
    transform, target,
    pg_catalog.count(*) filter (where state = 'done') as batches,
    coalesce(pg_catalog.sum(rows_inserted) filter (where state = 'done'), 0)::bigint as rows_inserted,
    coalesce(pg_catalog.sum(rows_updated) filter (where state = 'done'), 0)::bigint as rows_updated,
    coalesce(pg_catalog.sum(rows_unchanged) filter (where state = 'done'), 0)::bigint as rows_unchanged,
    coalesce(pg_catalog.sum(rows_removed) filter (where state = 'done'), 0)::bigint as rows_deleted
from sqlmig.batch
where run_id = $1
group by transform, target
order by pg_catalog.min(number)
