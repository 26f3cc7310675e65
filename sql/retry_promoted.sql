-- Whether a run has committed a batch. $1 run id
select exists (
    select
    from sqlmig.batch
    where run_id = $1 and state = 'done'
) as promoted
