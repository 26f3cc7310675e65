-- What each check, duplicate rule and validation of a run found, and what is said of rows without a vector. A check that runs
-- again replaces its row.
create table sqlmig.check_result (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    phase text not null check (phase in ('check', 'dedup', 'embed', 'validate')),
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

-- The rows that checks found: every one of a check that rejects, the first thousand of a check that warns or blocks.
-- `subject` names what was found where it is no row of the source, as in a proof on a final table.
create table sqlmig.finding (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    ordinal bigint generated always as identity,
    phase text not null,
    check_name text not null,
    source text not null,
    row bigint,
    subject text,
    reason text not null,
    primary key (run_id, ordinal)
);

create index finding_check on sqlmig.finding (run_id, phase, check_name);
create index finding_row on sqlmig.finding (run_id, source, row);

-- Rows merged into another as duplicates: which rule, and which row has what they said.
create table sqlmig.merged (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    source text not null,
    row bigint not null,
    rule text not null,
    winner_source text not null,
    winner_row bigint not null,
    primary key (run_id, source, row)
);

create index merged_winner on sqlmig.merged (run_id, winner_source, winner_row);
