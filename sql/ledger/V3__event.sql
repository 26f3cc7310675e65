-- What an operator should know of a run and no other table says: migrations applied, warnings, transforms skipped.
create table sqlmig.event (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    ordinal bigint generated always as identity,
    kind text not null,
    message text not null,
    at timestamptz not null default now(),
    primary key (run_id, ordinal)
);
