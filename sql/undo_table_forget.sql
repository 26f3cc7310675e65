-- $1 the name of a table of before-images that was dropped
delete from sqlmig.undo_table
where name = $1
