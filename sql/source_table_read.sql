-- $1 run id, $2 source table; the reader's numbers: $3 rows read, $4 rows rejected, $5 bytes, $6 digest
update sqlmig.source_table
set rows_read = $3, rows_rejected = $4, bytes_read = $5, digest = $6::text::numeric
where run_id = $1 and source = $2
