-- Batches read ranges of _row. Rows arrive nearly in order, so a BRIN index finds a range at almost no cost to build. It may
-- be there already, when what was staged was refused and is counted again.
-- A staging table asks for parallel workers whatever its size, for what is stored beside it. An index of _row reads none of that: up to
-- 32 MiB, a worker takes longer to start (10 ms) than the index to build.
select pg_catalog.set_config(
    'max_parallel_maintenance_workers',
    case
        when pg_catalog.pg_relation_size({{ table_name | literal }}::pg_catalog.regclass) < 33554432 then '0'
        else pg_catalog.current_setting('max_parallel_maintenance_workers')
    end,
    true
);

create index if not exists {{ index | ident }} on {{ table }} using brin (_row) with (pages_per_range = 16)
