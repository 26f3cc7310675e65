-- By what and on what a run was done. $1 run id
select
    sqlmig_version,
    host,
    project_hash,
    scope,
    source_bytes,
    epoch,
    environment ->> 'server_version' as server_version,
    environment ->> 'pgvector' as pgvector,
    environment -> 'settings' as settings
from sqlmig.run
where id = $1
