-- Rows of one source table that are left without a vector, each with the reason, as findings of a check; where nothing was said of
-- a row, the words of $6. $1 run id, $2 relation, $3 source table, $4 check, $5 at most how many findings, $6 those words
with left_out as (
    select wanted.row, coalesce(wanted.reason, $6) as reason
    from sqlmig.embedding_wanting as wanted
    where wanted.run_id = $1
        and wanted.relation = $2
        and wanted.source = $3
),

kept as (
    insert into sqlmig.finding (run_id, phase, check_name, source, row, reason)
    select $1, 'embed', $4, $3, row, reason
    from left_out
    order by row
    limit $5
)

select pg_catalog.count(*) as rows
from left_out
