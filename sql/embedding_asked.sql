-- Whether the rows of a run were looked through for those without a vector. $1 run id
select exists (
    select
    from sqlmig.phase
    where run_id = $1 and phase = 'embed'
) as asked
