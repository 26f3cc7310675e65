-- The newest load: the newest run, or what that retries, up to the first.
with recursive ancestor as (
    (
        select id, parent
        from sqlmig.run
        order by started_at desc, id desc
        limit 1
    )
    union all
    select run.id, run.parent
    from ancestor
    join sqlmig.run as run on run.id = ancestor.parent
)

select id
from ancestor
where parent is null
