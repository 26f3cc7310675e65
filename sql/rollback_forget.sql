-- The batches that a run which was taken back will never do. $1 run id
delete from sqlmig.batch
where run_id = $1 and state in ('pending', 'failed')
