-- Whether this session's transactions are READ ONLY
select pg_catalog.current_setting('transaction_read_only')::boolean as read_only
