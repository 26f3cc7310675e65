-- $1 run id
select phase, name, on_relation, severity, rows_examined, rows_failed, elapsed_ms, skipped
from sqlmig.check_result
where run_id = $1
order by pg_catalog.array_position(array['check', 'dedup', 'validate'], phase), ordinal, on_relation
