-- Drops an index beside those who read and write.
drop index concurrently if exists {{ index }}
