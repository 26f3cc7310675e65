-- The tables that hold before-images of a run. $1 run id
select distinct undo_table as name
from sqlmig.batch
where run_id = $1 and pg_catalog.to_regclass(undo_table) is not null
order by undo_table
