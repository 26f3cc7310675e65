-- $1 run id, $2 phase, $3 milliseconds, $4 what it did
insert into sqlmig.phase (run_id, phase, elapsed_ms, summary)
values ($1, $2, $3, $4)
