-- Takes the open rows of a run and of its retries that can be tried again as they are: those that were staged.
-- $1 the retry's run id, $2 run id, $3 source tables or null, $4 check or null, $5 row or null
insert into sqlmig.retry (run_id, source, row, from_run, staged)
select $1, open.source, open.row, open.run_id, open.staged
from sqlmig.run_family($2) as family
join sqlmig.quarantine_open as open on open.run_id = family.id
where open.staged is not null
    and ($3::text[] is null or open.source = any ($3))
    and ($4::text is null or open.check_name = $4)
    and ($5::bigint is null or open.row = $5)
