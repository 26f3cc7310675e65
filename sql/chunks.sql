-- $1 run id
select source, first_row, last_row, rows_staged, rows_rejected, bytes, content_digest
from sqlmig.chunk
where run_id = $1
order by source, first_row
