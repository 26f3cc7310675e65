-- For connections that stage. The staging tables are UNLOGGED and can be filled again from the source, so waiting for
-- the disk at each chunk would protect nothing; and a COPY may wait for a slow source as long as it must.
set synchronous_commit = off;
set statement_timeout = 0;
