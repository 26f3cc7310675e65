-- One row a run: what was loaded, by which project, how far it came. `epoch` is the fence: whoever conducts the run
-- raises it, and a batch of an older epoch finds another number and stops.
create table sqlmig.run (
    id uuid primary key,
    project text not null,
    project_hash text not null,
    source text not null,
    source_sha256 text,
    source_bytes bigint,
    state text not null
        check (state in ('staging', 'staged', 'checked', 'promoted', 'done')),
    complete boolean not null default false,
    epoch bigint not null default 1,
    error text,
    sqlmig_version text not null,
    host text not null,
    pid integer not null,
    peak_rss_bytes bigint not null default 0,
    started_at timestamptz not null default now(),
    finished_at timestamptz
);

create index run_started_at on sqlmig.run (started_at);
