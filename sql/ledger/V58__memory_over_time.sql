-- Resident memory of a process over its stint: the most of each slot of `rss_slot_ms`, from the stint's start. The process keeps
-- 64 slots at most and makes them longer as the stint goes on, so a row does not grow without bound. Null where the system does not
-- tell, and for stints of earlier versions.
alter table sqlmig.stint
add column rss_slot_ms bigint,
add column rss_slots bigint[];
