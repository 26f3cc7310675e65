-- Rows that were written, one line a final table: also those that were taken back since, so that it never goes back.
-- $1 run id
select
    target,
    pg_catalog.sum(rows_inserted)::bigint as inserted,
    pg_catalog.sum(rows_updated)::bigint as updated,
    pg_catalog.sum(rows_unchanged)::bigint as unchanged,
    pg_catalog.sum(rows_removed)::bigint as deleted
from sqlmig.batch
where run_id = $1 and state in ('done', 'rolled_back')
group by target
order by target
