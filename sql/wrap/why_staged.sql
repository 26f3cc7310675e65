-- One row as it is in staging. $1 row
select pg_catalog.to_jsonb(staged.*) - '_row' - '_digest' as staged
from {{ staged }} as staged
where staged._row = $1
