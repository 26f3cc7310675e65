-- Three stints at promoting the newest run, with memory over time in place of what was noted.
with run as (select id from sqlmig.run order by started_at desc limit 1),

gone as (delete from sqlmig.stint where phase = 'promote')

insert into sqlmig.stint (run_id, id, phase, role, host, pid, started_at, beat_at, ended_at, rss_slot_ms, rss_slots)
select
    run.id, gen_random_uuid(), 'promote', role, host, 7, began, began + took, began + took,
    extract(epoch from took) * 1000 / 64, array(select case when place = peak then 900 else bytes end from generate_series(1, 64) as place)
from run
cross join (
    values
    ('conductor', 'a', timestamptz '2026-01-02 03:00Z', interval '64 s', 500, 0),
    ('worker', 'b', timestamptz '2026-01-02 03:00Z', interval '64 s', 200, 11),
    ('conductor', 'c', timestamptz '2026-01-03 03:00Z', interval '6.4 s', 100, 0)
) as stint (role, host, began, took, bytes, peak);
