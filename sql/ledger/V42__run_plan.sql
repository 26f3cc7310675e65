-- The plan that a run was told to follow: the digest of its file, and what it said would become of each source table's rows.
create table sqlmig.run_plan (
    run_id uuid primary key references sqlmig.run (id) on delete cascade,
    plan_sha256 text not null,
    planned jsonb not null,
    at timestamptz not null default now()
);
