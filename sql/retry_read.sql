-- What a retry has of one table, as a reader would count it. $1 the retry's run id, $2 source table
update sqlmig.source_table
set rows_read = taken.rows, rows_staged = taken.rows, bytes_read = taken.bytes
from (
    select
        pg_catalog.count(*) as rows,
        coalesce(pg_catalog.sum(pg_catalog.octet_length(staged::text)), 0)::bigint as bytes
    from sqlmig.retry
    where run_id = $1 and source = $2
) as taken
where source_table.run_id = $1 and source_table.source = $2
returning source_table.rows_staged
