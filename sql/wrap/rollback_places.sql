-- The before-images of a batch one by one, the last first; restored rows first, so that none refers to one that is to be
-- deleted. $1 run id, $2 batch
select image.ctid::text as place, image._operation = 'delete' as is_delete
from {{ undo }} as image
where image._run_id = $1 and image._batch = $2 and image._kept is null
order by image._operation = 'insert', image.ctid desc
