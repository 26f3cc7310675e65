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
