-- Open rows that could not be decoded: they must be mended one by one. $1 run id, $2 source tables or null, $3 check or null,
-- $4 row or null
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

select pg_catalog.count(*) as rows
from family
join sqlmig.quarantine_open as open on open.run_id = family.id
where open.staged is null
    and ($2::text[] is null or open.source = any ($2))
    and ($3::text is null or open.check_name = $3)
    and ($4::bigint is null or open.row = $4)
