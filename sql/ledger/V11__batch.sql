-- One row a batch of promotion: a contiguous range of `_row` of one source table, written to one final table by one
-- transaction, which also writes this row's result. `source` is null for a transform that reads no source rows.
-- `counted` marks the batches whose rows enter the books. `undo_table` holds the before-images.
create table sqlmig.batch (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    number bigint not null,
    transform text not null,
    target text not null,
    source text,
    first_row bigint not null,
    last_row bigint not null,
    counted boolean not null,
    state text not null default 'pending' check (state in ('pending', 'done', 'failed')),
    attempts integer not null default 0,
    rows_inserted bigint not null default 0,
    rows_updated bigint not null default 0,
    rows_unchanged bigint not null default 0,
    undo_table text,
    xid xid8,
    epoch bigint,
    elapsed_ms bigint,
    error text,
    finished_at timestamptz,
    primary key (run_id, number)
);

create index batch_pending on sqlmig.batch (run_id, transform, number) where state = 'pending';
