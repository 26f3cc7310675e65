-- Returns the transaction's id. $1 run id, $2 number, $3 inserted, $4 updated, $5 unchanged, $6 undo table, $7 epoch, $8 milliseconds,
-- $9 deleted
update sqlmig.batch
set
    state = 'done', attempts = attempts + 1, rows_inserted = $3, rows_updated = $4, rows_unchanged = $5, rows_removed = $9,
    undo_table = $6, epoch = $7, elapsed_ms = $8, error = null, xid = pg_catalog.pg_current_xact_id(),
    finished_at = pg_catalog.clock_timestamp()
where run_id = $1 and number = $2
returning xid::text as xid
