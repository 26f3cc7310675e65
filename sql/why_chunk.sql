-- The chunk that a row was staged with. $1 run id, $2 source table, $3 row
select first_row, last_row, first_line, first_byte
from sqlmig.chunk
where run_id = $1 and source = $2 and $3 between first_row and last_row
