-- The process that conducted a run ends. Another that has taken the run on since has the last word.
-- $1 run id, $2 host, $3 process id, $4 exit code
update sqlmig.run
set exit_code = $4
where id = $1 and host = $2 and pid = $3
