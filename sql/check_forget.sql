-- Forgets what an earlier try of these phases found. $1 run id, $2 phases. Rows that the decoder rejected stay,
-- and those that the database refused in promotion: promotion gives them back itself.
with forgotten as (
    delete from sqlmig.check_result where run_id = $1 and phase = any ($2)
),
unfound as (
    delete from sqlmig.finding where run_id = $1 and phase = any ($2)
),
unmerged as (
    delete from sqlmig.merged where run_id = $1 and 'dedup' = any ($2)
)
delete from sqlmig.quarantine
where run_id = $1
    and check_name not in ('decode', 'promote')
    and case when code = 'embedding' then 'embed' = any ($2) or 'check' = any ($2) else 'check' = any ($2) end
