-- The newest run: its state, and the error that stands in it.
select
    r.id::text as id,
    r.state,
    coalesce(r.error, '') as error
from sqlmig.run as r
order by r.started_at desc
limit 1
