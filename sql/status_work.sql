-- What is committed of a run, in one row: all of it, and what of it since $2. $1 run id
select
    clock.now,
    run.exit_code,
    run.source_bytes,
    chunk.stored_bytes,
    coalesce(chunk.stored_bytes_since, 0)::bigint as stored_bytes_since,
    coalesce(chunk.rows_read, 0)::bigint as rows_read,
    coalesce(chunk.rows_staged, 0)::bigint as rows_staged,
    coalesce(chunk.rows_read_since, 0)::bigint as rows_read_since,
    chunk.chunks,
    coalesce(batch.rows_done, 0)::bigint as rows_done,
    coalesce(batch.rows_planned, 0)::bigint as rows_planned,
    coalesce(batch.rows_since, 0)::bigint as rows_done_since,
    coalesce(batch.retries, 0)::bigint as batch_retries,
    coalesce(request.requests, 0)::bigint as requests,
    coalesce(request.vectors, 0)::bigint as vectors,
    coalesce(request.tokens, 0)::bigint as tokens,
    coalesce(request.cost, 0)::double precision as cost,
    greatest(run.started_at, chunk.staged_at, batch.finished_at, request.finished_at, phase.finished_at) as progress_at
from sqlmig.run as run
cross join (select pg_catalog.clock_timestamp() as now) as clock
cross join lateral (
    select
        pg_catalog.sum(stored_bytes)::bigint as stored_bytes,
        pg_catalog.sum(stored_bytes) filter (where staged_at >= $2::timestamptz) as stored_bytes_since,
        pg_catalog.sum(rows_staged + rows_rejected) as rows_read,
        pg_catalog.sum(rows_staged) as rows_staged,
        pg_catalog.sum(rows_staged + rows_rejected) filter (where staged_at >= $2::timestamptz) as rows_read_since,
        pg_catalog.count(*) as chunks,
        pg_catalog.max(staged_at) as staged_at
    from sqlmig.chunk
    where run_id = $1
) as chunk
cross join lateral (
    select
        pg_catalog.sum(last_row - first_row + 1) filter (where state = 'done') as rows_done,
        pg_catalog.sum(last_row - first_row + 1) filter (where state <> 'rolled_back') as rows_planned,
        pg_catalog.sum(last_row - first_row + 1) filter (where state = 'done' and finished_at >= $2::timestamptz) as rows_since,
        pg_catalog.sum(greatest(attempts - 1, 0)) as retries,
        pg_catalog.max(finished_at) as finished_at
    from sqlmig.batch
    where run_id = $1
) as batch
cross join lateral (
    select
        pg_catalog.count(*) as requests,
        pg_catalog.sum(vectors) as vectors,
        pg_catalog.sum(tokens) as tokens,
        pg_catalog.sum(tokens * price / 1e6) as cost,
        pg_catalog.max(finished_at) as finished_at
    from sqlmig.embedding_request
    where run_id = $1
) as request
cross join lateral (
    select pg_catalog.max(finished_at) as finished_at
    from sqlmig.phase
    where run_id = $1
) as phase
where run.id = $1
