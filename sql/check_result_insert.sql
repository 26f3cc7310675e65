-- $1 run id, $2 phase, $3 name, $4 the table it looked at, $5 its place in the order, $6 severity, $7 rows examined,
-- $8 rows found, $9 milliseconds, $10 why it did not run, if it did not
insert into sqlmig.check_result
    (run_id, phase, name, on_relation, ordinal, severity, rows_examined, rows_failed, elapsed_ms, skipped)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
