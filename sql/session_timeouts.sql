-- For every session that phases work in: what is not bounded otherwise, by the settings of its transaction, waits and works no
-- longer than this. One statement, so that it works through poolers; it lasts as long as the session.
-- $1 time for a lock, $2 for a statement, $3 for a transaction in which nothing is asked
select
    pg_catalog.set_config('lock_timeout', $1, false),
    pg_catalog.set_config('statement_timeout', $2, false),
    pg_catalog.set_config('idle_in_transaction_session_timeout', $3, false)
