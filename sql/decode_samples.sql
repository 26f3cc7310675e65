-- Rows that could not be decoded. $1 run id, $2 at most how many of each table and code
select source, row, line, reason
from (
    select
        source, row, line, reason,
        pg_catalog.row_number() over (partition by source, code order by row) as place
    from sqlmig.quarantine
    where run_id = $1 and check_name = 'decode'
) as numbered
where place <= $2
order by source, row
