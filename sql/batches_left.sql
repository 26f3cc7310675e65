-- What is left of one transform's batches, those in other workers' hands among them; those that a foreign key held up; of those given
-- up, the first.
-- $1 run id, $2 transform
select
    pg_catalog.count(*) filter (where state = 'pending') as pending,
    pg_catalog.count(*) filter (where state = 'pending' and put_off is not null) as put_off,
    coalesce(pg_catalog.sum(last_row - first_row + 1) filter (where state = 'pending'), 0)::bigint as rows,
    pg_catalog.min(number) filter (where state = 'failed') as failed,
    pg_catalog.min(error) filter (where state = 'failed') as error
from sqlmig.batch
where run_id = $1 and transform = $2 and state <> 'done'
