-- Takes out the rows that are left without the vector they must have, each with its row as staged; a row that is out already stays
-- as it is. $1 run id, $2 source table, $3 check
insert into sqlmig.quarantine (run_id, source, row, check_name, code, reason, staged)
select $1, $2, found.row, $3, 'embedding', found.reason, pg_catalog.to_jsonb(staged.*) - '_row'
from sqlmig.finding as found
join {{ staged }} as staged on staged._row = found.row
where found.run_id = $1 and found.phase = 'embed' and found.check_name = $3 and found.source = $2
on conflict (run_id, source, row) do nothing
