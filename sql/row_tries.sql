-- The times that a row was tried again, the first one first. $1 run id, $2 source table, $3 row
with recursive family as (
    select id
    from sqlmig.run
    where id = $1
    union all
    select run.id
    from family
    join sqlmig.run as run on run.parent = family.id
    where run.state not in ('superseded', 'rolled_back')
)

select
    retry.run_id, retry.from_run, run.state, run.error is not null as failed, run.started_at, retry.mended,
    out.check_name, out.reason
from family
join sqlmig.retry as retry on retry.from_run = family.id
join sqlmig.run as run on run.id = retry.run_id
left join sqlmig.quarantine as out
    on out.run_id = retry.run_id and out.source = retry.source and out.row = retry.row
where retry.source = $2 and retry.row = $3
order by run.started_at, run.id
