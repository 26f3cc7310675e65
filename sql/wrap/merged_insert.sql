-- $1 run id, $2 rule
insert into {{ merged }} (run_id, source, row, rule, winner_source, winner_row)
select $1, _source, _row, $2, _winner_source, _winner_row
from {{ result }}
