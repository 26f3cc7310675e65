-- Two that lay out a batch at the same moment would find the same number: one waits for the other here, in a statement of its
-- own, so that the next one sees what the other did. $1 run id
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('sqlmig.batch ' || $1::uuid::text, 0))
