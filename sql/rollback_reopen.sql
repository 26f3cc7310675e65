-- A run of which a batch was taken back is not promoted any more: it is where it was before. $1 run id
update sqlmig.run
set state = 'checked', finished_at = null
where id = $1 and state in ('promoted', 'done')
