-- What a run has spent on vectors so far. $1 run id
select
    coalesce(pg_catalog.sum(tokens), 0)::bigint as tokens,
    coalesce(pg_catalog.sum(tokens * price / 1e6), 0)::double precision as cost,
    pg_catalog.count(*) as requests
from sqlmig.embedding_request
where run_id = $1
