-- What was taken back, by final table. $1 run id, $2 one batch, or null for all
select
    target,
    pg_catalog.count(*) as batches,
    pg_catalog.sum(rows_deleted)::bigint as rows_deleted,
    pg_catalog.sum(rows_restored)::bigint as rows_restored,
    pg_catalog.sum(rows_kept)::bigint as rows_kept
from sqlmig.batch
where run_id = $1 and ($2::bigint is null or number = $2) and state = 'rolled_back'
group by target
order by pg_catalog.min(number)
