-- Rows taken out of a run, one row each: the first check, or the decoder error, that took it out, and the row itself:
-- `raw` as it stood in the file when it could not be decoded, `staged` as it stood in staging otherwise.
create table sqlmig.quarantine (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    source text not null,
    row bigint not null,
    check_name text not null,
    code text not null,
    column_name text,
    reason text not null,
    line bigint,
    byte_offset bigint,
    raw bytea,
    staged jsonb,
    at timestamptz not null default now(),
    primary key (run_id, source, row)
);
