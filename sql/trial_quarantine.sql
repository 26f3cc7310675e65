-- In place of sqlmig.quarantine in a trial: the rows that a run would take out, and by which check.
create temporary table "sqlmig quarantine" (
    run_id uuid not null,
    source text not null,
    row bigint not null,
    check_name text not null,
    primary key (run_id, source, row)
) on commit drop
