-- The tables that hold before-images of a final table. $1 final table
select distinct undo_table
from sqlmig.batch
where target = $1 and undo_table is not null
order by undo_table
