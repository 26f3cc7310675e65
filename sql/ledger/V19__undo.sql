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
    operation text not null check (operation in ('insert', 'update')),
    reason text not null check (reason in ('changed', 'deleted', 'referenced', 'refused')),
    detail text,
    kept_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (run_id, batch, ordinal)
);
