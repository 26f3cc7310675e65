-- $1 run id, $2 batch
select pg_catalog.count(*) as rows
from {{ undo }} as image
where image._run_id = $1 and image._batch = $2
