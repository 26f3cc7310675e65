-- Who was at work on a run and who is, in the order in which they began; and what time it is for the server. $1 run id
select
    phase, role, host, pid, doing, done, total, retries, workers, busy, rss_bytes, peak_rss_bytes, max_rejects, started_at,
    beat_at, progress_at, ended_at,
    pg_catalog.clock_timestamp() as now
from sqlmig.stint
where run_id = $1
order by started_at, id
