-- One row a chunk of staging: a contiguous range of rows of one source table, sent by one COPY and committed with this
-- row. The staging tables are UNLOGGED and may be emptied by a crash of the server, so these rows say what was sent,
-- never what is there: that is counted.
create table sqlmig.chunk (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    source text not null,
    first_row bigint not null,
    last_row bigint not null,
    rows_staged bigint not null,
    rows_rejected bigint not null,
    primary key (run_id, source, first_row)
);
