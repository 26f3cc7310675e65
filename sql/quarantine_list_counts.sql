-- Rows in the quarantine of a run and of its retries, by table, check and code; `retried` are those that a retry took from
-- there. $1 run id, $2 source tables or null, $3 check or null
select
    entry.source, entry.check_name, entry.code,
    pg_catalog.count(*) as rows,
    pg_catalog.count(*) filter (where not entry.open) as retried
from sqlmig.run_family($1) as family
join sqlmig.quarantine_entry as entry on entry.run_id = family.id
where ($2::text[] is null or entry.source = any ($2)) and ($3::text is null or entry.check_name = $3)
group by entry.source, entry.check_name, entry.code
order by entry.source, entry.check_name, entry.code
