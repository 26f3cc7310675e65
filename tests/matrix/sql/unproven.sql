-- Batches of a run whose source was not read to its proper end, or not wholly staged.
select pg_catalog.count(*)
from sqlmig.batch as b
join sqlmig.run as r on r.id = b.run_id
where b.state = 'done'
    and (r.source_sha256 is null or r.source_sha256 = '' or not r.complete or r.state = 'staging')
    and r.id = (select id from sqlmig.run order by started_at desc limit 1)
