-- Takes rows that could not be decoded out of a trial. $1 run id, $2 source table, $3 rows
insert into {{ quarantine }} (run_id, source, row, check_name)
select $1, $2, undecoded.row, 'decode'
from unnest($3::bigint[]) as undecoded (row)
