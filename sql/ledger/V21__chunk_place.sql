-- Where a chunk begins in the text of the source: line from 1, byte from 0; null where it was not recorded.
alter table sqlmig.chunk
add column first_line bigint,
add column first_byte bigint;
