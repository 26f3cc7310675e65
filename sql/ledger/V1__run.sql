-- What the server was when a run began, as the session of the run saw it: versions, and the settings that decide how fast and
-- how safely it writes.
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

-- One row a run: what was loaded, by which project, how far it came. `epoch` is the fence: whoever conducts the run
-- raises it, and a batch of an older epoch finds another number and stops.
--
-- A run that is taken up again is held against the project's hash, the source's digest, what of the source was asked for
-- (`scope`), the target (the server's own identifier and the database), and the shape of the final tables as the checks
-- found it (`target_schema`). A retry of rows in quarantine is a run of its own, of which `parent` is the run that they were
-- of. `known_files` counts the rows of sqlmig.known_file; null, nobody has asked. `accepted_at` marks a run whose
-- before-images were given up. `exit_code` is how the last process that conducted the run ended; null while one is at work,
-- and of one that was killed.
create table sqlmig.run (
    id uuid primary key,
    project text not null,
    project_hash text not null,
    source text not null,
    source_sha256 text,
    source_bytes bigint,
    scope text not null default '',
    target text,
    target_schema text,
    parent uuid references sqlmig.run (id) on delete set null,
    state text not null
        check (state in ('staging', 'staged', 'checked', 'promoted', 'done', 'superseded', 'rolled_back')),
    complete boolean not null default false,
    epoch bigint not null default 1,
    error text,
    exit_code smallint,
    known_files bigint,
    sqlmig_version text not null,
    environment jsonb default sqlmig.environment(),
    host text not null,
    pid integer not null,
    peak_rss_bytes bigint not null default 0,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    accepted_at timestamptz
);

create index run_started_at on sqlmig.run (started_at);

-- A run, its retries, and theirs; but none that was set aside or taken back: what those did with a row does not count.
create function sqlmig.run_family(run uuid) returns table (id uuid)
language sql stable
begin atomic
    with recursive family as (
        select run_family.run as id
        union all
        select retry.id
        from family
        join sqlmig.run as retry on retry.parent = family.id
        where retry.state not in ('superseded', 'rolled_back')
    )

    select family.id
    from family;
end;

-- The plan that a run was told to follow: the digest of its file, and what it said would become of each source table's rows.
create table sqlmig.run_plan (
    run_id uuid primary key references sqlmig.run (id) on delete cascade,
    plan_sha256 text not null,
    planned jsonb not null,
    at timestamptz not null default now()
);
