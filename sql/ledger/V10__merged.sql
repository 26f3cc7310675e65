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
