-- Takes out a row that the database refused to have in a final table, with the database's own words.
-- $1 run id, $2 source table, $3 row, $4 SQLSTATE, $5 column, $6 reason
insert into sqlmig.quarantine (run_id, source, row, check_name, code, column_name, reason, staged)
select $1, $2, $3, 'promote', $4, $5, $6, pg_catalog.to_jsonb(staged.*) - '_row' - '_digest'
from {{ staged }} as staged
where staged._row = $3
