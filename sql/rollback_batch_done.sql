-- $1 run id, $2 number, $3 rows deleted, $4 rows restored, $5 rows left as they are
update sqlmig.batch
set
    state = 'rolled_back', rows_deleted = rows_deleted + $3, rows_restored = rows_restored + $4, rows_kept = $5,
    rolled_back_at = pg_catalog.clock_timestamp()
where run_id = $1 and number = $2
