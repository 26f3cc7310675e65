-- $1 one run's id or null for all, $2 at most how many, newest first
select
    id, project, project_hash, source, source_sha256, source_bytes, scope, target, target_schema, state, complete, error,
    started_at, finished_at, peak_rss_bytes, parent, accepted_at
from sqlmig.run
where $1::uuid is null or id = $1
order by started_at desc, id desc
limit $2
