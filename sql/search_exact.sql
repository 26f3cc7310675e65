-- Answers by looking at every row, within bounds of time.
-- Where both ways were switched off, the server would take the cheaper one.
select
    pg_catalog.set_config('enable_indexscan', 'off', true),
    pg_catalog.set_config('enable_seqscan', 'on', true),
    pg_catalog.set_config('statement_timeout', '20s', true)
