-- Forgets the batches that a run has not done, so that they can be laid out anew. $1 run id
delete from sqlmig.batch
where run_id = $1 and state in ('pending', 'failed')
