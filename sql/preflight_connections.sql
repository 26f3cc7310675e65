-- Connections that this role may still open here, and which bound that is. This session is counted as free: it
-- ends before a run, or is one of a run's own.
with used as (
    select
        pg_catalog.count(*) as server,
        pg_catalog.count(*) filter (where activity.datname = pg_catalog.current_database()) as database,
        pg_catalog.count(*) filter (where activity.usename = current_user) as role
    from pg_catalog.pg_stat_activity as activity
    where activity.pid <> pg_catalog.pg_backend_pid()
        and activity.backend_type = 'client backend'
),

bounds as (
    select
        'max_connections' as bound,
        pg_catalog.current_setting('max_connections')::bigint
        - case
            when pg_catalog.current_setting('is_superuser') = 'on' then 0
            else pg_catalog.current_setting('superuser_reserved_connections')::bigint
                + coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::bigint
        end - used.server as free
    from used
    union all
    select 'the database''s limit', database.datconnlimit - used.database
    from used
    join pg_catalog.pg_database as database on database.datname = pg_catalog.current_database()
    where database.datconnlimit >= 0 and pg_catalog.current_setting('is_superuser') <> 'on'
    union all
    select 'the role''s limit', role.rolconnlimit - used.role
    from used
    join pg_catalog.pg_roles as role on role.rolname = current_user
    where role.rolconnlimit >= 0 and not role.rolsuper
)

select bounds.bound, greatest(bounds.free, 0) as free
from bounds
order by bounds.free
limit 1
