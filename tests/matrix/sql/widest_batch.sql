-- The batch of the newest run that inserted and updated most rows.
select batch.number::text
from sqlmig.batch as batch
where batch.run_id = (select id from sqlmig.run order by started_at desc limit 1)
order by batch.rows_inserted + batch.rows_updated desc, batch.number desc
limit 1
