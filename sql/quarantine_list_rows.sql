-- The rows in the quarantine of a run and of its retries that no retry took from there, in the order of the source.
-- $1 run id, $2 source tables or null, $3 check or null, $4 at most how many
select
    open.run_id, open.source, open.row, open.check_name, open.code, open.column_name, open.reason, open.line,
    open.byte_offset, open.at
from sqlmig.run_family($1) as family
join sqlmig.quarantine_open as open on open.run_id = family.id
where ($2::text[] is null or open.source = any ($2)) and ($3::text is null or open.check_name = $3)
order by open.source, open.row
limit $4
