-- How many batches, and how many requests for vectors, took longer than so many of the bounds. $1 run id, $2 bounds in
-- milliseconds, rising. A time that is a bound is within it; times are whole milliseconds.
select 'batch' as what, pg_catalog.width_bucket(elapsed_ms - 1, $2::bigint[]) as bounds_passed, pg_catalog.count(*) as count
from sqlmig.batch
where run_id = $1 and state in ('done', 'rolled_back') and elapsed_ms is not null
group by bounds_passed
union all
select 'request', pg_catalog.width_bucket(elapsed_ms - 1, $2::bigint[]) as bounds_passed, pg_catalog.count(*)
from sqlmig.embedding_request
where run_id = $1
group by bounds_passed
