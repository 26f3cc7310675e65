-- Milliseconds that a row took in promotion, by the last five runs that wrote at least a thousand; null without any
with lately as (
    select
        run.id,
        (select sum(phase.elapsed_ms) from sqlmig.phase as phase where phase.run_id = run.id and phase.phase = 'promote') as elapsed_ms,
        (
            select sum(batch.rows_inserted + batch.rows_updated + batch.rows_unchanged)
            from sqlmig.batch as batch
            where batch.run_id = run.id and batch.counted and batch.state = 'done'
        ) as rows
    from sqlmig.run as run
    where run.state = 'done'
    order by run.started_at desc
    limit 5
)

select (sum(lately.elapsed_ms) / nullif(sum(lately.rows), 0))::double precision as per_row
from lately
where lately.rows >= 1000
