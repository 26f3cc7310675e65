-- Transactions that are open for longer, prepared ones among them. $1 seconds
select
    activity.pid,
    pg_catalog.concat_ws(' ', 'server process', activity.pid::text, nullif(activity.application_name, ''), activity.state) as who,
    extract(epoch from pg_catalog.clock_timestamp() - activity.xact_start)::double precision as seconds
from pg_catalog.pg_stat_activity as activity
where activity.pid <> pg_catalog.pg_backend_pid()
    and activity.backend_type = 'client backend'
    and activity.xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1)
union all
select
    null,
    prepared.gid,
    extract(epoch from pg_catalog.clock_timestamp() - prepared.prepared)::double precision
from pg_catalog.pg_prepared_xacts as prepared
where prepared.prepared < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1)
order by 3 desc
limit 20
