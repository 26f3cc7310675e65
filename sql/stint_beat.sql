-- A process tells that it is at a phase of a run: the first time that it has begun, then that it is still there, at last that
-- it has ended. $1 run id, $2 stint, $3 phase, $4 role, $5 host, $6 process id, $7 what it is at, $8 done, $9 of how many or
-- null, $10 retries, $11 workers or null, $12 shares of the time, $13 resident bytes, $14 their peak, $15 how many rows may be
-- rejected or null, $16 whether it has ended, $17 milliseconds of a slot of memory over time, $18 the most of each, in bytes
insert into sqlmig.stint as stint (
    run_id, id, phase, role, host, pid, doing, done, total, retries, workers, busy, rss_bytes, peak_rss_bytes, max_rejects,
    ended_at, rss_slot_ms, rss_slots
)
values (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
    case when $16::boolean then pg_catalog.clock_timestamp() end, $17, $18
)
on conflict (run_id, id) do update set
    beat_at = pg_catalog.clock_timestamp(), ended_at = excluded.ended_at,
    progress_at = case
        when (stint.doing, stint.done) is distinct from (excluded.doing, excluded.done)
            then pg_catalog.clock_timestamp()
        else stint.progress_at
    end,
    doing = excluded.doing, done = excluded.done, total = excluded.total, retries = excluded.retries,
    workers = excluded.workers, busy = excluded.busy, rss_bytes = excluded.rss_bytes,
    peak_rss_bytes = excluded.peak_rss_bytes, rss_slot_ms = excluded.rss_slot_ms, rss_slots = excluded.rss_slots
