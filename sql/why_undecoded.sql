-- Rows that could not be decoded, so that they have no key. $1 run id, $2 source tables
select pg_catalog.count(*) as rows
from sqlmig.quarantine
where run_id = $1 and source = any ($2) and staged is null
