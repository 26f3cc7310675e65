-- Takes a batch that a foreign key held up, since the rows it refers to may be in another. One whose transform has done a
-- batch since is tried again; where nothing goes on any more, the large ones come first, to be halved: a single row is not
-- to be refused for the want of one that is held up in their midst.
-- $1 run id, $2 transform, $3 the epoch it was laid out in
with progress as (
    -- A refused row is no progress: nothing can refer to it.
    select pg_catalog.count(*) as done
    from sqlmig.batch
    where run_id = $1 and transform = $2 and state = 'done' and rows_refused = 0
),

standing as (
    select
        progress.done,
        pg_catalog.bool_and(batch.put_off is not distinct from progress.done) as stuck,
        pg_catalog.bool_or(batch.last_row > batch.first_row) as divisible
    from progress
    cross join sqlmig.batch as batch
    where batch.run_id = $1 and batch.transform = $2 and batch.state = 'pending'
    group by progress.done
)

select
    batch.number, batch.source, batch.first_row, batch.last_row, batch.counted, batch.failures, batch.timeouts,
    batch.put_off, standing.done
from sqlmig.batch as batch
cross join standing
where batch.run_id = $1 and batch.transform = $2 and batch.planned_epoch = $3 and batch.state = 'pending'
    and (batch.retry_at is null or batch.retry_at <= pg_catalog.clock_timestamp())
    and (
        batch.put_off <> standing.done
        or standing.stuck and (batch.last_row > batch.first_row or not standing.divisible)
    )
order by batch.number
limit 1
for update of batch skip locked
