-- $1 run id, $2 project, $3 project hash, $4 source, $5 version of sqlmig, $6 host, $7 process id
insert into sqlmig.run (id, project, project_hash, source, state, sqlmig_version, host, pid)
values ($1, $2, $3, $4, 'staging', $5, $6, $7)
