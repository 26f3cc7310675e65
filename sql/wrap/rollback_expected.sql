-- How many rows are to be taken back. $1 run id, $2 batch
select
    pg_catalog.count(*) filter (where image._operation = 'insert') as inserted,
    pg_catalog.count(*) filter (where image._operation in ('update', 'delete')) as updated,
    pg_catalog.count(*) filter (where image._operation = 'delete') as deleted
from {{ undo }} as image
where image._run_id = $1 and image._batch = $2 and image._kept is null
