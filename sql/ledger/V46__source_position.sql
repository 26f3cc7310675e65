-- How far the source was read, as it is stored: each chunk says how many stored (compressed) bytes were read for it, so their
-- sum is what is staged of the source, whatever its compression and however often the run was stopped. Null where nobody
-- knows.
alter table sqlmig.chunk
add column stored_bytes bigint;
