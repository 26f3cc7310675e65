-- $1 run id
select source, staged_as, columns, column_types, rows_read, rows_rejected, rows_staged, bytes_read, digest::text as digest
from sqlmig.source_table
where run_id = $1
order by ordinal
