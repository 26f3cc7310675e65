-- How a run's work went over time: the rows and bytes of each slice of each phase. A slice holds three pieces of work on
-- average, so that it does not show their size rather than their speed. $1 run id, $2 slices of a phase at most
with work as (
    select 'stage' as phase, staged_at as at, rows_staged + rows_rejected as rows, bytes
    from sqlmig.chunk
    where run_id = $1 and staged_at is not null
    union all
    select 'embed', finished_at, vectors, 0
    from sqlmig.embedding_request
    where run_id = $1
    union all
    select 'promote', finished_at, last_row - first_row + 1, 0
    from sqlmig.batch
    where run_id = $1 and state = 'done' and finished_at is not null
),

begun as (
    select phase, pg_catalog.min(finished_at - elapsed_ms * interval '1 millisecond') as at
    from sqlmig.phase
    where run_id = $1
    group by phase
),

span as (
    select
        work.phase,
        least(pg_catalog.min(begun.at), pg_catalog.min(work.at)) as first,
        -- The last piece of work ends the last slice.
        greatest(
            extract(epoch from pg_catalog.max(work.at) - least(pg_catalog.min(begun.at), pg_catalog.min(work.at)))
            / greatest(least(pg_catalog.count(*) / 3, $2::bigint), 1),
            0.001
        ) as seconds,
        greatest(least(pg_catalog.count(*) / 3, $2::bigint), 1) as slices
    from work
    left join begun on begun.phase = work.phase
    group by work.phase
),

sliced as (
    select
        span.phase,
        span.first,
        span.seconds,
        least(pg_catalog.floor(extract(epoch from work.at - span.first) / span.seconds), span.slices - 1) as slice,
        work.rows,
        work.bytes
    from work
    join span on span.phase = work.phase
)

select
    phase,
    first + slice::double precision * seconds::double precision * interval '1 second' as at,
    seconds::double precision as seconds,
    pg_catalog.sum(rows)::bigint as rows,
    pg_catalog.sum(bytes)::bigint as bytes
from sliced
group by phase, first, seconds, slice
order by first, slice
