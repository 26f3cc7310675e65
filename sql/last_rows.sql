-- The last ordinal of each source table of a run. The rows of a retry keep the ordinals that they had. $1 run id
select
    source_table.source,
    greatest(source_table.rows_read, coalesce((
        select pg_catalog.max(retry.row)
        from sqlmig.retry as retry
        where retry.run_id = source_table.run_id and retry.source = source_table.source
    ), 0)) as last_row
from sqlmig.source_table as source_table
where source_table.run_id = $1
