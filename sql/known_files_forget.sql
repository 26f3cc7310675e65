-- Those of other runs are of no use any more. $1 run id
delete from sqlmig.known_file
where run_id <> $1
