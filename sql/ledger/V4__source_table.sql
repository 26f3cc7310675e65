-- One row a table of the source. `rows_read`, `rows_rejected` and `digest` are the reader's own numbers, taken before
-- anything was sent; `rows_staged` is what the server counted afterwards.
create table sqlmig.source_table (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    source text not null,
    ordinal integer not null,
    staged_as text not null,
    columns text[] not null,
    column_types text[] not null,
    rows_read bigint not null default 0,
    rows_rejected bigint not null default 0,
    rows_staged bigint not null default 0,
    bytes_read bigint not null default 0,
    digest numeric,
    primary key (run_id, source)
);
