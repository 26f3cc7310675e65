-- The run that a worker process would join, the newest or the one that is asked for: its epoch, how far it is, and whether
-- batches that were laid out in this epoch wait. $1 run id or null
select
    run.id, run.epoch, run.state in ('promoted', 'done') as is_promoted,
    exists (
        select
        from sqlmig.batch
        where batch.run_id = run.id and batch.state = 'pending' and batch.planned_epoch = run.epoch
    ) as has_batches
from sqlmig.run
where $1::uuid is null or run.id = $1
order by run.started_at desc, run.id desc
limit 1
