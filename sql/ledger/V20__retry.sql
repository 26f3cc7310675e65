-- Rows in quarantine that are tried again. A retry is a run of its own, whose source is the quarantine of `parent`; `retry`
-- holds its rows as they are tried, each under the ordinal that it had: a copy, so that what stands in quarantine stays as it
-- was. `mended` names the columns that were given by hand.
alter table sqlmig.run
add column parent uuid references sqlmig.run (id) on delete set null;

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

-- `retried_by` is the last run that tried the row again. `form`, `fields` and `encoding` say how `raw` was written (copy or
-- values, the columns in its order), without which it could not be read again.
alter table sqlmig.quarantine
add column retried_by uuid,
add column form text,
add column fields text[],
add column encoding text;

-- The rows that are out and that no retry has in hand: one that was set aside or taken back gives its rows back.
create view sqlmig.quarantine_open as
select quarantine.*
from sqlmig.quarantine as quarantine
left join sqlmig.run as retry on retry.id = quarantine.retried_by
where retry.id is null or retry.state in ('superseded', 'rolled_back');
