-- For the transaction that records what a search finds: it has nothing to do while the search goes on, for as long as that
-- may take. Ends with the transaction.
select pg_catalog.set_config(
    'idle_in_transaction_session_timeout', pg_catalog.current_setting('statement_timeout'), true
)
