-- Rows in the quarantine of a run and of its retries, by table, check and code; `retried` are those that a retry took from
-- there. $1 run id, $2 source tables or null, $3 check or null
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
    quarantine.source, quarantine.check_name, quarantine.code,
    pg_catalog.count(*) as rows,
    pg_catalog.count(*) - pg_catalog.count(open.run_id) as retried
from family
join sqlmig.quarantine as quarantine on quarantine.run_id = family.id
left join sqlmig.quarantine_open as open
    on open.run_id = quarantine.run_id and open.source = quarantine.source and open.row = quarantine.row
where ($2::text[] is null or quarantine.source = any ($2)) and ($3::text is null or quarantine.check_name = $3)
group by quarantine.source, quarantine.check_name, quarantine.code
order by quarantine.source, quarantine.check_name, quarantine.code
