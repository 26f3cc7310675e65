-- What each check, duplicate rule and validation of a run found. A check that runs again replaces its row.
create table sqlmig.check_result (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    phase text not null check (phase in ('check', 'dedup', 'validate')),
    name text not null,
    on_relation text not null,
    ordinal integer not null,
    severity text not null check (severity in ('warn', 'reject', 'error')),
    rows_examined bigint not null,
    rows_failed bigint not null,
    elapsed_ms bigint not null,
    skipped text,
    primary key (run_id, phase, name, on_relation)
);
