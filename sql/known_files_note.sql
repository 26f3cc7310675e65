-- $1 run id, $2 how many files are known
update sqlmig.run
set known_files = $2
where id = $1
