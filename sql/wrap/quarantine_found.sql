-- Takes out the rows that a check found, each with its row as staged; a row that is out already stays as it is.
-- $1 run id, $2 source table, $3 check
insert into sqlmig.quarantine (run_id, source, row, check_name, code, reason, staged)
select $1, $2, found.row, $3, $3, found.reason, pg_catalog.to_jsonb(staged.*) - '_row' - '_digest'
from (
    select row, pg_catalog.string_agg(reason, '; ' order by ordinal) as reason
    from sqlmig.finding
    where run_id = $1 and phase = 'check' and check_name = $3 and source = $2
    group by row
) as found
join {{ staged }} as staged on staged._row = found.row
on conflict (run_id, source, row) do nothing
