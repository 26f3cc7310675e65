-- A run, its retries, and theirs; but none that was set aside or taken back: what those did with a row does not count.
create function sqlmig.run_family(run uuid) returns table (id uuid)
language sql stable
begin atomic
    with recursive family as (
        select run_family.run as id
        union all
        select retry.id
        from family
        join sqlmig.run as retry on retry.parent = family.id
        where retry.state not in ('superseded', 'rolled_back')
    )

    select family.id
    from family;
end;

-- Every row in quarantine; `open` are those that no retry has in hand: one that was set aside or taken back gives its rows
-- back.
create view sqlmig.quarantine_entry as
select
    quarantine.run_id, quarantine.source, quarantine.row, quarantine.check_name, quarantine.code, quarantine.column_name,
    quarantine.reason, quarantine.line, quarantine.byte_offset, quarantine.raw, quarantine.staged, quarantine.at,
    quarantine.retried_by, quarantine.form, quarantine.fields, quarantine.encoding,
    retry.id is null or retry.state in ('superseded', 'rolled_back') as open
from sqlmig.quarantine as quarantine
left join sqlmig.run as retry on retry.id = quarantine.retried_by;

create or replace view sqlmig.quarantine_open as
select
    run_id, source, row, check_name, code, column_name, reason, line, byte_offset, raw, staged, at, retried_by, form, fields,
    encoding
from sqlmig.quarantine_entry
where open;
