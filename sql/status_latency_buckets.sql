-- How many batches took at most so long, and how many requests for vectors. $1 run id, $2 bounds in milliseconds
select
    bound.ms,
    (
        select pg_catalog.count(*)
        from sqlmig.batch
        where run_id = $1 and state in ('done', 'rolled_back') and elapsed_ms <= bound.ms
    ) as batches,
    (
        select pg_catalog.count(*)
        from sqlmig.embedding_request
        where run_id = $1 and elapsed_ms <= bound.ms
    ) as requests
from pg_catalog.unnest($2::bigint[]) as bound (ms)
order by bound.ms
