-- For statements that read wide values of many rows: a table of few pages may hold them outside of it, which the planner does
-- not reckon with, so it is told that workers cost little. More than a few hundred rows, and it takes some. Ends with the
-- transaction.
set local parallel_setup_cost = 100;
set local parallel_tuple_cost = 0.01;
set local min_parallel_table_scan_size = 0;
