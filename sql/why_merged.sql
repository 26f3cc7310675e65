-- What a row was merged into, and what was merged into it. $1 run id, $2 source table, $3 row
select rule, winner_source as source, winner_row as row, true as into_that
from sqlmig.merged
where run_id = $1 and source = $2 and row = $3
union all
select rule, source, row, false
from sqlmig.merged
where run_id = $1 and winner_source = $2 and winner_row = $3
order by into_that desc, source, row
