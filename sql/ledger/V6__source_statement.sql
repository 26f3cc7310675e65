-- What else the source held: statements that were counted by kind, and never executed.
create table sqlmig.source_statement (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    kind text not null,
    count bigint not null,
    primary key (run_id, kind)
);
