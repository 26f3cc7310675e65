-- How long the committed batches of each promote transform took, in milliseconds. $1 run id
select
    transform,
    target,
    pg_catalog.count(*) as batches,
    pg_catalog.percentile_disc(0.5) within group (order by elapsed_ms) as p50_ms,
    pg_catalog.percentile_disc(0.95) within group (order by elapsed_ms) as p95_ms,
    pg_catalog.percentile_disc(0.99) within group (order by elapsed_ms) as p99_ms,
    pg_catalog.max(elapsed_ms) as max_ms
from sqlmig.batch
where run_id = $1 and state = 'done' and elapsed_ms is not null
group by transform, target
order by pg_catalog.min(number)
