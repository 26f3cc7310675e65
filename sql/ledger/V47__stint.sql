-- One row for the time that one process is at one phase of a run. The process tells every few seconds that it is still there
-- (`beat_at`), what it is at, and what no other table says. `progress_at` is when that last changed. `done` of `total`: stored
-- bytes read, checks run, texts embedded, batches committed or parts of an index built by this process in this phase. `busy` has the share of the
-- time that each part was at work for. What is committed with the data is never counted here.
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
    max_rejects text,
    primary key (run_id, id)
) with (fillfactor = 50);
