-- Lays out the batches of one transform over one source table's rows that no batch has done yet.
-- $1 run id, $2 transform, $3 final table, $4 source table or null, $5 last row, $6 rows a batch, $7 whether they count
insert into sqlmig.batch (run_id, number, transform, target, source, first_row, last_row, counted)
select
    $1,
    (select coalesce(pg_catalog.max(number), 0) from sqlmig.batch where run_id = $1)
    + pg_catalog.row_number() over (order by start.first_row),
    $2, $3, $4, start.first_row, least(start.first_row + $6::bigint - 1, $5::bigint), $7
from (
    select coalesce(pg_catalog.max(last_row), 0) + 1 as next_row
    from sqlmig.batch
    where run_id = $1 and transform = $2 and source is not distinct from $4 and state = 'done'
) as done
cross join lateral pg_catalog.generate_series(done.next_row, $5::bigint, $6::bigint) as start (first_row)
