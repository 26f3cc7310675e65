-- Tables in staging that are no table of the newest run. What a duplicate rule gives to its winners (`patch …`) is a table
-- there too.
select coalesce(pg_catalog.string_agg(t.tablename, ', '), '')
from pg_catalog.pg_tables as t
where t.schemaname = 'staging' and t.tablename not like 'patch %'
    and not exists (
        select
        from sqlmig.source_table as s
        where s.run_id = (select id from sqlmig.run order by started_at desc limit 1) and s.staged_as = t.tablename
    )
