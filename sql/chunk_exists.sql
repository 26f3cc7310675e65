-- $1 run id, $2 source table, $3 first row
select exists (
    select from sqlmig.chunk where run_id = $1 and source = $2 and first_row = $3
) as found
