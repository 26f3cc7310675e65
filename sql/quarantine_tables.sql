-- The source tables of a run and of its retries. $1 run id
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

select distinct source_table.source
from family
join sqlmig.source_table as source_table on source_table.run_id = family.id
order by source_table.source
