-- A batch of one row that the database refused: the row is in quarantine, and nothing of it was written.
-- $1 run id, $2 number, $3 undo table, $4 epoch, $5 the error
update sqlmig.batch
set
    state = 'done', attempts = attempts + 1, rows_refused = 1, undo_table = $3, epoch = $4, error = $5,
    xid = pg_catalog.pg_current_xact_id(), finished_at = pg_catalog.clock_timestamp()
where run_id = $1 and number = $2 and state = 'pending'
