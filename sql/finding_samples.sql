-- $1 run id, $2 at most how many of each check
select source, row, subject, check_name, reason
from (
    select
        source, row, subject, check_name, reason, ordinal,
        pg_catalog.row_number() over (partition by phase, check_name, source order by ordinal) as place
    from sqlmig.finding
    where run_id = $1
) as numbered
where place <= $2
order by ordinal
