-- The source tables of a run and of its retries. $1 run id
select distinct source_table.source
from sqlmig.run_family($1) as family
join sqlmig.source_table as source_table on source_table.run_id = family.id
order by source_table.source
