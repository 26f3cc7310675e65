-- Tables in staging that are no table of the newest run.
select coalesce(pg_catalog.string_agg(t.tablename, ', '), '')
from pg_catalog.pg_tables as t
where t.schemaname = 'staging'
    and not exists (
        select
        from sqlmig.source_table as s
        where s.run_id = (select id from sqlmig.run order by started_at desc limit 1) and s.staged_as = t.tablename
    )
