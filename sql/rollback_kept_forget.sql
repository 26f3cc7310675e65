-- The rows that an earlier try left are tried again. $1 run id, $2 batch
delete from sqlmig.rollback_kept
where run_id = $1 and batch = $2
