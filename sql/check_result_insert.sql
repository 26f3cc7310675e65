-- $1 run id; of each check, in the same order: $2 phase, $3 name, $4 the table it looked at, $5 its place in the order,
-- $6 severity, $7 rows examined, $8 rows found, $9 milliseconds, $10 why it did not run, null if it did
insert into sqlmig.check_result
    (run_id, phase, name, on_relation, ordinal, severity, rows_examined, rows_failed, elapsed_ms, skipped)
select
    $1, result.phase, result.name, result.on_relation, result.ordinal, result.severity, result.rows_examined,
    result.rows_failed, result.elapsed_ms, result.skipped
from unnest(
    $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[]
) as result (phase, name, on_relation, ordinal, severity, rows_examined, rows_failed, elapsed_ms, skipped)
