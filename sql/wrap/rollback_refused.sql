-- Leaves one row that the database would not put back. $1 run id, $2 batch, $3 its before-image, $4 what the database said
with marked as (
    update {{ undo }} as image
    set _kept = 'refused'
    where image.ctid = $3::text::tid
    returning image._operation, {{ json_key }} as key
)

insert into sqlmig.rollback_kept (run_id, batch, target, key, operation, reason, detail)
select $1, $2, {{ target_name | literal }}, marked.key, marked._operation, 'refused', $4
from marked
