-- How long batches and requests for vectors took: how many, all together, and quantiles in milliseconds. $1 run id
select
    batch.count as batches, batch.elapsed_ms as batches_ms, batch.quantiles as batch_quantiles,
    request.count as requests, request.elapsed_ms as requests_ms, request.quantiles as request_quantiles
from (
    select
        pg_catalog.count(*),
        coalesce(pg_catalog.sum(elapsed_ms), 0)::bigint as elapsed_ms,
        pg_catalog.percentile_cont(array[0.5, 0.95, 0.99]) within group (order by elapsed_ms) as quantiles
    from sqlmig.batch
    where run_id = $1 and state in ('done', 'rolled_back') and elapsed_ms is not null
) as batch
cross join (
    select
        pg_catalog.count(*),
        coalesce(pg_catalog.sum(elapsed_ms), 0)::bigint as elapsed_ms,
        pg_catalog.percentile_cont(array[0.5, 0.95, 0.99]) within group (order by elapsed_ms) as quantiles
    from sqlmig.embedding_request
    where run_id = $1
) as request
