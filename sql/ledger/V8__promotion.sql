-- One row a batch of promotion: a contiguous range of `_row` of one source table, written to one final table by one
-- transaction, which also writes this row's result. `source` is null for a transform that reads no source rows.
-- `counted` marks the batches whose rows enter the books. `undo_table` holds the before-images.
--
-- `planned_epoch` is the epoch of the conductor that laid it out: workers of other processes join that one. `failures` and
-- `timeouts` count since the batch has had its present range; `attempts` counts all. Nobody claims it before `retry_at`.
-- `rows_refused` is 1 for a batch that came down to a single row that the database refused; the row is in quarantine.
-- `rows_removed` were deleted from the target by the transform.
--
-- A batch that was promoted may be taken back: how many of its rows were deleted and restored, and how many stay as they are
-- because somebody changed them since, or needs them. Its rows no longer enter the books, and it is never done again: what
-- is promoted anew gets a batch of its own.
create table sqlmig.batch (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    number bigint not null,
    transform text not null,
    target text not null,
    source text,
    first_row bigint not null,
    last_row bigint not null,
    counted boolean not null,
    state text not null default 'pending' check (state in ('pending', 'done', 'failed', 'rolled_back')),
    planned_epoch bigint,
    attempts integer not null default 0,
    failures integer not null default 0,
    timeouts integer not null default 0,
    retry_at timestamptz,
    -- Where a foreign key held it up: the batches of its transform that were done when it was last tried.
    put_off bigint,
    rows_inserted bigint not null default 0,
    rows_updated bigint not null default 0,
    rows_unchanged bigint not null default 0,
    rows_removed bigint not null default 0,
    rows_refused bigint not null default 0,
    undo_table text,
    xid xid8,
    epoch bigint,
    elapsed_ms bigint,
    error text,
    finished_at timestamptz,
    rows_deleted bigint not null default 0,
    rows_restored bigint not null default 0,
    rows_kept bigint not null default 0,
    rolled_back_at timestamptz,
    primary key (run_id, number)
);

create index batch_pending on sqlmig.batch (run_id, transform, number) where state = 'pending';

-- The tables of before-images, each for one final table, one set of columns and one key; `key` is what a row is found
-- again by.
create table sqlmig.undo_table (
    name text primary key,
    target text not null,
    key text[] not null
);

-- Rows that a rollback left as they are: `reason` is a word (changed, deleted, referenced, refused), `detail` says by whom
-- or what. What is here can be tried again; the before-images are still there.
create table sqlmig.rollback_kept (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    ordinal bigint generated always as identity,
    batch bigint not null,
    target text not null,
    key jsonb not null,
    operation text not null check (operation in ('insert', 'update', 'delete')),
    reason text not null check (reason in ('changed', 'deleted', 'referenced', 'refused')),
    detail text,
    kept_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (run_id, batch, ordinal)
);
