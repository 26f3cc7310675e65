-- How far the server process $1 is with building an index
select phase, blocks_done, blocks_total, tuples_done, tuples_total
from pg_catalog.pg_stat_progress_create_index
where pid = $1
