-- $1 run id
select source, check_name, code, pg_catalog.count(*) as rows
from sqlmig.quarantine
where run_id = $1
group by source, check_name, code
order by source, check_name, code
