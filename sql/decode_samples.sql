-- Rows that could not be decoded, and rows that the database refused in promotion. $1 run id, $2 at most how many of each table and code
select source, row, check_name, line, reason
from (
    select
        source, row, check_name, line, reason,
        pg_catalog.row_number() over (partition by source, check_name, code order by row) as place
    from sqlmig.quarantine
    where run_id = $1 and check_name in ('decode', 'promote')
) as numbered
where place <= $2
order by check_name, source, row
