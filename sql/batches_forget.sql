-- Forgets the batches that a run has not begun, so that they can be laid out anew. $1 run id, $2 transform
delete from sqlmig.batch
where run_id = $1 and transform = $2 and state in ('pending', 'failed')
