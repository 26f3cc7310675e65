-- The tables of before-images that the newest run wrote to, and how many it must have left in each.
select undo_table, pg_catalog.sum(rows_inserted + rows_updated + rows_removed)::bigint as expected
from sqlmig.batch
where run_id = (select id from sqlmig.run order by started_at desc limit 1) and state = 'done' and undo_table is not null
group by undo_table
