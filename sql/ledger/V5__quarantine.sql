-- Rows taken out of a run, one row each: the first check, or the decoder error, that took it out, and the row itself:
-- `raw` as it stood in the file when it could not be decoded, `staged` as it stood in staging otherwise. `form`, `fields` and
-- `encoding` say how `raw` was written (copy or values, the columns in its order), without which it could not be read again.
-- `retried_by` is the last run that tried the row again.
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
    form text,
    fields text[],
    encoding text,
    staged jsonb,
    at timestamptz not null default now(),
    retried_by uuid,
    primary key (run_id, source, row)
);

-- Every row in quarantine; `open` are those that no retry has in hand: one that was set aside or taken back gives its rows
-- back.
create view sqlmig.quarantine_entry as
select
    quarantine.run_id, quarantine.source, quarantine.row, quarantine.check_name, quarantine.code, quarantine.column_name,
    quarantine.reason, quarantine.line, quarantine.byte_offset, quarantine.raw, quarantine.form, quarantine.fields,
    quarantine.encoding, quarantine.staged, quarantine.at, quarantine.retried_by,
    retry.id is null or retry.state in ('superseded', 'rolled_back') as open
from sqlmig.quarantine as quarantine
left join sqlmig.run as retry on retry.id = quarantine.retried_by;

-- The rows that are out and may be tried again.
create view sqlmig.quarantine_open as
select
    run_id, source, row, check_name, code, column_name, reason, line, byte_offset, raw, form, fields, encoding, staged, at,
    retried_by
from sqlmig.quarantine_entry
where open;

-- The rows of a retry as they are tried, each under the ordinal that it had: a copy, so that what stands in quarantine stays
-- as it was. `mended` names the columns that were given by hand.
create table sqlmig.retry (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    source text not null,
    row bigint not null,
    from_run uuid not null,
    staged jsonb not null,
    mended text[] not null default '{}',
    primary key (run_id, source, row)
);

create index retry_row on sqlmig.retry (source, row);
