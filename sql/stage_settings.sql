-- For the transaction that stages a chunk. The staging tables are UNLOGGED and can be filled again from the source, so
-- waiting for the disk would protect nothing; and a COPY may wait for a slow source as long as it must. Local, because
-- the connection is used for other things afterwards. $1 lock timeout, $2 idle timeout, both in milliseconds
select
    pg_catalog.set_config('synchronous_commit', 'off', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('lock_timeout', $1, true),
    pg_catalog.set_config('idle_in_transaction_session_timeout', $2, true)
