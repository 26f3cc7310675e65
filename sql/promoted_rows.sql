-- $1 run id. Rows of each final table that the run has written or found as they are; null where a batch of it was taken
-- back or is not done. A table that several transforms write has at least as many rows as the one with the most.
select target, case when pg_catalog.bool_and(written.whole) then pg_catalog.max(written.rows)::bigint end as rows
from (
    select
        target,
        pg_catalog.bool_and(state = 'done') as whole,
        pg_catalog.sum(rows_inserted + rows_updated + rows_unchanged) as rows
    from sqlmig.batch
    where run_id = $1
    group by target, transform
) as written
group by target
