-- A row as a run's quarantine has it. $1 run id, $2 source table, $3 row
select
    run_id, source, row, check_name, code, column_name, reason, line, byte_offset, at, staged
from sqlmig.quarantine
where run_id = $1 and source = $2 and row = $3
