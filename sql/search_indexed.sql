-- Answers by the index, also where a table is so small that looking at every row is as fast
select
    pg_catalog.set_config('enable_indexscan', 'on', true),
    pg_catalog.set_config('enable_seqscan', 'off', true),
    pg_catalog.set_config('statement_timeout', '20s', true)
