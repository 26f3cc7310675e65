-- Rows of a staging table, and the sum of the digests that came with them, to be held against the reader's: every row has
-- arrived, once. That each row is what its digest says, the checks see before anything is done with it
-- (row_checksum.sql): they read the rows anyway.
select pg_catalog.count(*) as rows, coalesce(pg_catalog.sum(_digest), 0)::text as digest
from {{ table }}
