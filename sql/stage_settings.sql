-- For the transaction that stages a chunk. The staging tables are UNLOGGED and can be filled again from the source, so
-- waiting for the disk would protect nothing; and a COPY may wait for a slow source as long as it must. Local, because
-- the connection is used for other things afterwards.
set local synchronous_commit = off;
set local statement_timeout = 0;
