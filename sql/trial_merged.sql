-- In place of sqlmig.merged in a trial: the rows that a run would merge into others.
create temporary table "sqlmig merged" (
    run_id uuid not null,
    source text not null,
    row bigint not null,
    rule text not null,
    winner_source text not null,
    winner_row bigint not null,
    primary key (run_id, source, row)
) on commit drop
