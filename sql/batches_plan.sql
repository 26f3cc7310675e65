-- Lays out the batches of one transform over one source table's rows that no batch has done yet. With several workers
-- a later batch may be done before an earlier one failed, so the rows to do may lie between those that are done.
-- $1 run id, $2 transform, $3 final table, $4 source table or null, $5 last row, $6 rows a batch, $7 whether they count,
-- $8 epoch
with done as (
    select first_row, last_row
    from sqlmig.batch
    where run_id = $1 and transform = $2 and source is not distinct from $4 and state = 'done'
),

gap as (
    select coalesce(pg_catalog.lag(last_row) over (order by first_row), 0) + 1 as first_row, first_row - 1 as last_row
    from done
    union all
    select coalesce(pg_catalog.max(last_row), 0) + 1, $5::bigint
    from done
)

insert into sqlmig.batch (run_id, number, transform, target, source, first_row, last_row, counted, planned_epoch)
select
    $1,
    (select coalesce(pg_catalog.max(number), 0) from sqlmig.batch where run_id = $1)
    + pg_catalog.row_number() over (order by start.first_row),
    $2, $3, $4, start.first_row, least(start.first_row + $6::bigint - 1, gap.last_row), $7, $8
from gap
cross join lateral pg_catalog.generate_series(gap.first_row, gap.last_row, $6::bigint) as start (first_row)
