-- Answers by looking at every row, within bounds of time
select
    pg_catalog.set_config('enable_indexscan', 'off', true),
    pg_catalog.set_config('statement_timeout', '20s', true)
