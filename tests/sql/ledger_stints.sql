-- Who is at work on a run: $1 seconds ago both the conductor and a worker were last heard of; $2 whether they have ended.
with forgotten as (
    delete from sqlmig.stint
)
insert into sqlmig.stint (run_id, id, phase, role, host, pid, doing, done, retries, workers, busy, rss_bytes, peak_rss_bytes, max_rejects, started_at, beat_at, progress_at, ended_at)
select run.id, gen_random_uuid(), worked.*
from sqlmig.run, (values
    ('stage', 'conductor', 'here', 7, null, 9, 0, null, null, 1, 1, null, now() - interval '100 s', now() - interval '90 s', now() - interval '91 s', now() - interval '90 s'),
    ('stage', 'conductor', 'here', 8, null, 9, 0, null, null, 1, 1, null, now() - interval '80 s', now() - interval '60 s', now() - interval '61 s', now() - interval '60 s'),
    ('promote', 'conductor', 'here', 9, 'public.things', 0, 5, 2, '[{"part": "server", "share": 0.2}, {"part": "locks", "share": 0.7}]'::jsonb, 100, 200, '50%',
        now() - interval '30 s', now() - $1 * interval '1 s', now() - interval '20 s', case when $2::boolean then now() - interval '1 s' end),
    ('promote', 'worker', 'there', 10, 'public.things', 0, 1, 1, null, 300, 400, null,
        now() - interval '29 s', now() - $1::double precision * interval '1 s', now() - interval '20 s', case when $2 then now() - interval '1 s' end)
) as worked
