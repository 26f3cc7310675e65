-- $1 run id, $2 source table, $3 rows that the server counted in the staging table
update sqlmig.source_table
set rows_staged = $3
where run_id = $1 and source = $2
