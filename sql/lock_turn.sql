-- Waits for its turn to begin a run or take one on; it lasts until the transaction ends. $1: class, $2: kind of lock
select pg_catalog.pg_advisory_xact_lock($1::int, $2::int)
