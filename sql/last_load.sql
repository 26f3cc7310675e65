-- The newest run that is no retry of another's quarantine.
select
    id, project, project_hash, source, source_sha256, source_bytes, scope, target, target_schema, state, complete, error,
    started_at, finished_at, peak_rss_bytes, parent, accepted_at
from sqlmig.run
where parent is null
order by started_at desc, id desc
limit 1
