-- Gives up the before-images of a run. $1 run id
delete from {{ undo }} as image
where image._run_id = $1
