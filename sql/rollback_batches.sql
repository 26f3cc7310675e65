-- What can be taken back: batches that are promoted, and those taken back with rows left. The last one first, so that rows
-- go before those that they refer to; by time, since the halves of a batch have later numbers than what came after it. $1 run id, $2 one batch, or null for all, $3 whether only those with rows left that other
-- rows kept from going
select batch.number, batch.target, batch.undo_table, batch.rows_inserted + batch.rows_updated + batch.rows_removed as rows_written
from sqlmig.batch as batch
where batch.run_id = $1
    and ($2::bigint is null or batch.number = $2)
    and (not $3 and batch.state = 'done' or batch.state = 'rolled_back' and batch.rows_kept > 0)
    and (
        not $3
        or exists (
            select
            from sqlmig.rollback_kept as kept
            where kept.run_id = batch.run_id
                and kept.batch = batch.number
                and kept.reason in ('referenced', 'refused')
        )
    )
order by batch.finished_at desc, batch.number desc
