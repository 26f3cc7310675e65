-- $1 run id, $2 one batch, or null for all, $3 at most how many
select batch, target, key, operation, reason, detail
from sqlmig.rollback_kept
where run_id = $1 and ($2::bigint is null or batch = $2)
order by batch desc, key
limit $3
