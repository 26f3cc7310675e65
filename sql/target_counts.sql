-- $1 run id
select
    transform, target,
    pg_catalog.count(*) filter (where state = 'done') as batches,
    pg_catalog.sum(rows_inserted)::bigint as rows_inserted,
    pg_catalog.sum(rows_updated)::bigint as rows_updated,
    pg_catalog.sum(rows_unchanged)::bigint as rows_unchanged
from sqlmig.batch
where run_id = $1
group by transform, target
order by pg_catalog.min(number)
