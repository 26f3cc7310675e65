-- Replication slots, and how much WAL each keeps
select
    slot.slot_name::text as slot,
    slot.active,
    coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), slot.restart_lsn), 0)::bigint as kept
from pg_catalog.pg_replication_slots as slot
order by 1
