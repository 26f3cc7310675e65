-- $1 run id, $2 phase, $3 check, $4 source table or final table; then arrays, one element a finding: $5 row (or null),
-- $6 what it is called where it is no row of the source (or null), $7 reason
insert into sqlmig.finding (run_id, phase, check_name, source, row, subject, reason)
select $1, $2, $3, $4, found.row, found.subject, found.reason
from unnest($5::bigint[], $6::text[], $7::text[]) as found (row, subject, reason)
