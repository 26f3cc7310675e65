-- What checks found of one row, in the order they ran. $1 run id, $2 source table, $3 row
select finding.phase, finding.check_name, finding.reason, result.severity
from sqlmig.finding as finding
left join sqlmig.check_result as result
    on result.run_id = finding.run_id and result.phase = finding.phase and result.name = finding.check_name
    and result.on_relation = finding.source
where finding.run_id = $1 and finding.source = $2 and finding.row = $3
order by pg_catalog.min(finding.ordinal) over (partition by finding.phase), result.ordinal, finding.ordinal
