-- The tables that a retry has rows of, each with the columns that it had in staging. $1 the retry's run id
select distinct on (source_table.ordinal, retry.source) retry.source, source_table.columns, source_table.column_types
from (select distinct source, from_run from sqlmig.retry where run_id = $1) as retry
join sqlmig.source_table as source_table
    on source_table.run_id = retry.from_run and source_table.source = retry.source
order by source_table.ordinal, retry.source, retry.from_run
