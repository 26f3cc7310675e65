-- What an earlier try left is looked at again. $1 run id, $2 batch
update {{ undo }} as image
set _kept = null
where image._run_id = $1 and image._batch = $2 and image._kept is not null
