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
