-- The final tables, quoted.
select pg_catalog.format('%I.%I', schemaname, tablename)
from pg_catalog.pg_tables
where schemaname = 'public'
order by 1
