-- Rows and digest of a staging table, to be held against the reader's. The hash of a row is PostgreSQL's own, of 64 bits
-- (hash partitioning depends on it, so it cannot change between versions); the table's digest is the sum, which no order
-- of rows changes.
select pg_catalog.count(*) as rows, coalesce(pg_catalog.sum({{ hash }}), 0)::text as digest
from {{ table }}
