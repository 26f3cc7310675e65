-- A run's memory over time: the most that one process had resident in each slice of each phase. Time in which no process was at
-- the phase is left out, and no slice is shorter than what its processes wrote down. $1 run id, $2 slices of a phase at most
with slot as (
    select
        stint.phase,
        stint.started_at + (noted.place - 1) * stint.rss_slot_ms * interval '1 millisecond' as at,
        least(stint.started_at + noted.place * stint.rss_slot_ms * interval '1 millisecond', stint.beat_at) as until,
        noted.rss_bytes
    from sqlmig.stint as stint
    cross join lateral unnest(stint.rss_slots) with ordinality as noted (rss_bytes, place)
    where stint.run_id = $1
),

-- How long nobody had been at the phase when a slot began.
idle as (
    select
        phase,
        at,
        greatest(until, at) as until,
        rss_bytes,
        greatest(
            extract(epoch from at - pg_catalog.max(until) over (
                partition by phase order by at, until rows between unbounded preceding and 1 preceding
            )), 0
        ) as idle
    from slot
),

worked as (
    select
        phase,
        at,
        extract(epoch from until - at) as seconds,
        rss_bytes,
        extract(epoch from at - pg_catalog.min(at) over (partition by phase))
        - pg_catalog.sum(coalesce(idle, 0)) over (partition by phase order by at, until) as offset_s
    from idle
),

span as (
    select
        phase,
        pg_catalog.max(offset_s + seconds) as seconds,
        greatest(
            pg_catalog.max(offset_s + seconds) / $2::bigint, pg_catalog.max(seconds), 0.001
        ) as slice_s
    from worked
    group by phase
)

select
    worked.phase,
    pg_catalog.min(worked.at) as at,
    least(span.slice_s, span.seconds - slice.place * span.slice_s)::double precision as seconds,
    pg_catalog.max(worked.rss_bytes) as rss_bytes
from worked
join span on span.phase = worked.phase
cross join lateral (
    select least(
        pg_catalog.floor(worked.offset_s / span.slice_s), greatest(pg_catalog.ceil(span.seconds / span.slice_s) - 1, 0)
    ) as place
) as slice
group by worked.phase, span.seconds, span.slice_s, slice.place
order by pg_catalog.min(worked.at)
