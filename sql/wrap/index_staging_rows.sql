-- Batches read ranges of _row. Rows arrive nearly in order, so a BRIN index finds a range at almost no cost to build.
create index on {{ table }} using brin (_row) with (pages_per_range = 16)
