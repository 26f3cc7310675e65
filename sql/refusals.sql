-- Rows in quarantine, those among them that the database refused in promotion, and rows read. $1 run id
select
    pg_catalog.count(*) as quarantined,
    pg_catalog.count(*) filter (where check_name = 'promote') as refused,
    (select coalesce(pg_catalog.sum(rows_read), 0)::bigint from sqlmig.source_table where run_id = $1) as rows_read
from sqlmig.quarantine
where run_id = $1
