-- One row in the quarantine of a run and of its retries: first the entry that is open, then those that retries took it from.
-- $1 run id, $2 source table, $3 row
select
    entry.run_id, entry.source, entry.row, entry.check_name, entry.code, entry.column_name, entry.reason, entry.line,
    entry.byte_offset, entry.at, entry.retried_by, entry.raw,
    pg_catalog.replace(pg_catalog.encode(entry.raw, 'base64'), e'\n', '') as raw_base64,
    entry.staged, entry.form, entry.fields, entry.encoding, entry.open, source_table.columns, source_table.column_types
from sqlmig.run_family($1) as family
join sqlmig.quarantine_entry as entry on entry.run_id = family.id
left join sqlmig.source_table as source_table
    on source_table.run_id = entry.run_id and source_table.source = entry.source
where entry.source = $2 and entry.row = $3
order by entry.open desc, entry.at desc
