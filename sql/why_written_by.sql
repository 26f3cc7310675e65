-- The batch that wrote the version of a row that is there now: a row carries the lower half of its transaction's number.
-- $1 final table, $2 that number
select run_id, number
from sqlmig.batch
where target = $1 and xid is not null and xid::text::numeric % 4294967296 = $2::bigint
order by finished_at desc
limit 1
