-- Batches read ranges of _row. Rows arrive nearly in order, so a BRIN index finds a range at almost no cost to build. It may
-- be there already, when what was staged was refused and is counted again.
create index if not exists {{ index | ident }} on {{ table }} using brin (_row) with (pages_per_range = 16)
