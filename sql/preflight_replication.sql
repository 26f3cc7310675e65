-- Standbys that stream, and whether a commit waits for one
select
    pg_catalog.count(*) as standbys,
    pg_catalog.count(*) filter (where standby.sync_state in ('sync', 'quorum')) as synchronous,
    pg_catalog.current_setting('synchronous_standby_names') <> ''
        and pg_catalog.current_setting('synchronous_commit') not in ('off', 'local') as waits
from pg_catalog.pg_stat_replication as standby
