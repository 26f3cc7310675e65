-- The rows in the quarantine of a run and of its retries that no retry took from there, in the order of the source.
-- $1 run id, $2 source tables or null, $3 check or null, $4 at most how many
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
    open.run_id, open.source, open.row, open.check_name, open.code, open.column_name, open.reason, open.line,
    open.byte_offset, open.at
from family
join sqlmig.quarantine_open as open on open.run_id = family.id
where ($2::text[] is null or open.source = any ($2)) and ($3::text is null or open.check_name = $3)
order by open.source, open.row
limit $4
