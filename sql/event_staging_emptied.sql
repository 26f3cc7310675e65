-- Records that staging was emptied, as an event of the newest run: what is staged is its own. Without a run there is nothing to
-- tell it of. $1 message
insert into sqlmig.event (run_id, kind, message)
select run.id, 'rollback', $1
from sqlmig.run as run
order by run.started_at desc
limit 1
