-- The newest run: its state, whether an error stands in it, and how many runs there are.
select
    r.id::text as id,
    r.state,
    coalesce(r.error, '') as error,
    r.epoch,
    (select pg_catalog.count(*) from sqlmig.run) as runs
from sqlmig.run as r
order by r.started_at desc
limit 1
