-- When a chunk was staged: what throughput over time is drawn from. Null for those of earlier versions.
alter table sqlmig.chunk add column staged_at timestamptz;
alter table sqlmig.chunk alter column staged_at set default pg_catalog.clock_timestamp();
