-- Takes one row, mended. $1 the retry's run id, $2 source table, $3 row, $4 run that it is taken from, $5 the row as it is tried,
-- $6 the columns that were given by hand
insert into sqlmig.retry (run_id, source, row, from_run, staged, mended)
values ($1, $2, $3, $4, $5, $6)
