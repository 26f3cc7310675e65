-- A before-image that was put back is spent. $1 run id, $2 batch
delete from {{ undo }} as image
where image._run_id = $1 and image._batch = $2 and image._kept is null
