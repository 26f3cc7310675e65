-- Every row that the newest run found something in, by what found it.
select source, row, check_name as name
from sqlmig.finding
where phase in ('check', 'embed') and run_id = (select id from sqlmig.run order by started_at desc limit 1)
union
select source, row, check_name
from sqlmig.quarantine
where check_name = 'decode' and run_id = (select id from sqlmig.run order by started_at desc limit 1)
union
select source, row, rule
from sqlmig.merged
where run_id = (select id from sqlmig.run order by started_at desc limit 1)
