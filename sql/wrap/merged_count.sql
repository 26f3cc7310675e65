-- Rows that a duplicate rule merged away, by source table
select _source as source, pg_catalog.count(*) as rows
from {{ result }}
group by _source
