-- Puts off a batch that a foreign key refused, as long as the rows it refers to may still come: another batch of its
-- transform is being tried or to be tried, has been done since, or is to be halved before a single row is refused.
-- $1 run id, $2 number, $3 batches that were done when it was tried, $4 the error
update sqlmig.batch as batch
set put_off = $3, attempts = batch.attempts + 1, retry_at = null, error = $4
where batch.run_id = $1 and batch.number = $2 and batch.state = 'pending'
    and (
        batch.put_off is null
        or $3 <> (
            select pg_catalog.count(*)
            from sqlmig.batch as progress
            where progress.run_id = $1 and progress.transform = batch.transform and progress.state = 'done'
                and progress.rows_refused = 0
        )
        or exists (
            select
            from sqlmig.batch as other
            where other.run_id = $1 and other.transform = batch.transform and other.state = 'pending'
                and (
                    other.put_off is distinct from $3 and other.number <> $2
                    or batch.last_row = batch.first_row and other.last_row > other.first_row
                )
        )
    )
