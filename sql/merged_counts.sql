-- $1 run id
select rule, source, pg_catalog.count(*) as rows
from sqlmig.merged
where run_id = $1
group by rule, source
order by rule, source
