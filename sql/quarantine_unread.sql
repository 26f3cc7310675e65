-- Open rows that could not be decoded: they must be mended one by one. $1 run id, $2 source tables or null, $3 check or null,
-- $4 row or null
select pg_catalog.count(*) as rows
from sqlmig.run_family($1) as family
join sqlmig.quarantine_open as open on open.run_id = family.id
where open.staged is null
    and ($2::text[] is null or open.source = any ($2))
    and ($3::text is null or open.check_name = $3)
    and ($4::bigint is null or open.row = $4)
