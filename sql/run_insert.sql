-- $1 run id, $2 project, $3 project hash, $4 source, $5 its size as stored in bytes where it is known, $6 what of it is asked
-- for, $7 target, $8 version of sqlmig, $9 host, $10 process id
insert into sqlmig.run
    (id, project, project_hash, source, source_bytes, scope, target, state, sqlmig_version, host, pid)
values ($1, $2, $3, $4, $5, $6, $7, 'staging', $8, $9, $10)
