-- One row in the quarantine of a run or of its retries: first the entry that is open, then those that retries took it from.
-- $1 run id, $2 source table, $3 row
with recursive family as (
    select id
    from sqlmig.run
    where id = $1
    union all
    select run.id
    from family
    join sqlmig.run as run on run.parent = family.id
    where run.state not in ('superseded', 'rolled_back')
)

select
    quarantine.run_id, quarantine.source, quarantine.row, quarantine.check_name, quarantine.code, quarantine.column_name,
    quarantine.reason, quarantine.line, quarantine.byte_offset, quarantine.at, quarantine.retried_by, quarantine.raw,
    pg_catalog.replace(pg_catalog.encode(quarantine.raw, 'base64'), e'\n', '') as raw_base64,
    quarantine.staged, quarantine.form, quarantine.fields, quarantine.encoding, open.run_id is not null as open,
    source_table.columns, source_table.column_types
from family
join sqlmig.quarantine as quarantine on quarantine.run_id = family.id
left join sqlmig.source_table as source_table
    on source_table.run_id = quarantine.run_id and source_table.source = quarantine.source
left join sqlmig.quarantine_open as open
    on open.run_id = quarantine.run_id and open.source = quarantine.source and open.row = quarantine.row
where quarantine.source = $2 and quarantine.row = $3
order by open.run_id is null, quarantine.at desc
