-- Rows taken out, by the check that took them. $1 run id
select check_name, pg_catalog.count(*) as rows
from sqlmig.quarantine
where run_id = $1
group by check_name
order by check_name
