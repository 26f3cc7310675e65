-- A conductor takes a run on: whoever had it before finds another epoch at its next batch, and stops.
-- $1 run id, $2 host, $3 process id
update sqlmig.run
set epoch = epoch + 1, host = $2, pid = $3, exit_code = null
where id = $1
returning epoch
