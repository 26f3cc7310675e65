-- What the server was when a run began, as the session of the run saw it: versions, and the settings that decide how fast and
-- how safely it writes. Null for runs of earlier versions.
create function sqlmig.environment() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
begin atomic
    select jsonb_build_object(
        'server_version', current_setting('server_version'),
        'pgvector', (select extversion from pg_extension where extname = 'vector'),
        'settings', (
            select jsonb_object_agg(name, current_setting(name))
            from pg_settings
            where name in (
                'autovacuum', 'checkpoint_timeout', 'effective_io_concurrency', 'fsync', 'full_page_writes', 'jit',
                'maintenance_work_mem', 'max_connections', 'max_parallel_workers', 'max_wal_size', 'shared_buffers',
                'synchronous_commit', 'wal_compression', 'wal_level', 'work_mem', 'server_encoding', 'lc_collate'
            )
        )
    );
end;

alter table sqlmig.run add column environment jsonb;
alter table sqlmig.run alter column environment set default sqlmig.environment();
