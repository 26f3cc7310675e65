-- The chunk that a row was staged with, and the line and byte of the row itself where they are known. $1 run id, $2 source table, $3 row
select
    first_row, last_row, first_line, first_byte,
    case when consecutive or first_row = $3 then first_line + ($3 - first_row) end as line,
    case when first_row = $3 then first_byte end as byte
from sqlmig.chunk
where run_id = $1 and source = $2 and $3 between first_row and last_row
