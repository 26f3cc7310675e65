-- For counting and digesting what was staged: a table of few pages may hold wide values outside of them, which the
-- planner does not reckon with, so it is told that several workers cost nothing. Ends with the transaction.
set local parallel_setup_cost = 0;
set local parallel_tuple_cost = 0;
set local min_parallel_table_scan_size = 0;
