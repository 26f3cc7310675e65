-- How long each phase of a run took, and what it said it did. A phase that is repeated is a second row.
create table sqlmig.phase (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    ordinal bigint generated always as identity,
    phase text not null,
    elapsed_ms bigint not null,
    summary text not null,
    finished_at timestamptz not null default now(),
    primary key (run_id, ordinal)
);

-- One row for the time that one process is at one phase of a run. The process tells every few seconds that it is still there
-- (`beat_at`), what it is at, and what no other table says. `progress_at` is when that last changed. `done` of `total`: stored
-- bytes read, checks run, texts embedded, batches committed or parts of an index built by this process in this phase. `busy`
-- has the share of the time that each part was at work for. What is committed with the data is never counted here.
--
-- `rss_slots` is resident memory over the stint: the most of each slot of `rss_slot_ms`, from the stint's start. The process
-- keeps 64 slots at most and makes them longer as the stint goes on, so a row does not grow without bound. Null where the
-- system does not tell.
create table sqlmig.stint (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    id uuid not null,
    phase text not null,
    role text not null check (role in ('conductor', 'worker')),
    host text not null,
    pid integer not null,
    started_at timestamptz not null default pg_catalog.clock_timestamp(),
    beat_at timestamptz not null default pg_catalog.clock_timestamp(),
    progress_at timestamptz not null default pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    doing text,
    done bigint not null default 0,
    total bigint,
    retries bigint not null default 0,
    workers integer,
    busy jsonb,
    rss_bytes bigint,
    peak_rss_bytes bigint,
    rss_slot_ms bigint,
    rss_slots bigint[],
    max_rejects text,
    primary key (run_id, id)
) with (fillfactor = 50);
