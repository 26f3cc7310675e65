-- How many committed batches took how long, by powers of two of a millisecond: those of 4 took from 4 to less than 8, those
-- of 0 less than one. $1 run id
select
    case when elapsed_ms < 1 then 0 else pg_catalog.power(2, pg_catalog.floor(pg_catalog.log(2, elapsed_ms::numeric)))::bigint end as from_ms,
    pg_catalog.count(*) as batches
from sqlmig.batch
where run_id = $1 and state = 'done' and elapsed_ms is not null
group by 1
order by 1
