-- $1 run id, $2 at most how many of each check. In the order of phases, of checks, and of the source: several checks search
-- at once, so their findings lie between one another.
select source, row, subject, check_name, reason
from (
    select
        finding.source, finding.row, finding.subject, finding.check_name, finding.reason, finding.ordinal,
        pg_catalog.min(finding.ordinal) over (partition by finding.phase) as phase_begins,
        result.ordinal as check_ordinal,
        pg_catalog.row_number() over (
            partition by finding.phase, finding.check_name, finding.source
            order by finding.ordinal
        ) as place
    from sqlmig.finding as finding
    left join sqlmig.check_result as result
        on result.run_id = finding.run_id and result.phase = finding.phase and result.name = finding.check_name
        and result.on_relation = finding.source
    where finding.run_id = $1
) as numbered
where place <= $2
order by phase_begins, check_ordinal, ordinal
