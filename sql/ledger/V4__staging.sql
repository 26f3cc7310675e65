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

-- What else the source held: statements that were counted by kind, and never executed.
create table sqlmig.source_statement (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    kind text not null,
    count bigint not null,
    primary key (run_id, kind)
);

-- One row a chunk of staging: a contiguous range of rows of one source table, sent by one COPY and committed with this
-- row. The staging tables are UNLOGGED and may be emptied by a crash of the server, so these rows say what was sent,
-- never what is there: that is counted.
--
-- `content_digest` is of all its rows in their order, and `bytes` is what they had in the source, so that the same chunk, read
-- again, is known to be the same. It begins at `first_line` (from 1) and `first_byte` (from 0) of the source's text; `consecutive`: each
-- row begins on the line after that of the row before it, so the line of every row is known.
-- `stored_bytes` were read for it of the source as it is stored (compressed): their sum is what is staged of the source,
-- however often the run was stopped. Null where nobody knows.
create table sqlmig.chunk (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    source text not null,
    first_row bigint not null,
    last_row bigint not null,
    rows_staged bigint not null,
    rows_rejected bigint not null,
    bytes bigint not null default 0,
    stored_bytes bigint,
    first_line bigint,
    first_byte bigint,
    consecutive boolean not null default false,
    content_digest bigint not null default 0,
    staged_at timestamptz default pg_catalog.clock_timestamp(),
    primary key (run_id, source, first_row)
);

-- PostgreSQL empties UNLOGGED tables after a crash, and an empty table cannot be told from one that was never filled. This
-- one is UNLOGGED too and gets a row when a run begins to stage: the row gone, so are the staged rows.
create unlogged table sqlmig.canary (
    run_id uuid primary key
);

-- Files of documentation that a run need not decode, as the target had them when the run first asked: what the run itself
-- promotes must not change what it reads when it is resumed.
create table sqlmig.known_file (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    doc_type text not null,
    source_name text not null,
    path text not null,
    sha256 text not null,
    decoded_by text not null
);

create index known_file_run on sqlmig.known_file (run_id);
