-- Leaves the rows that are not as the batch left them: changed since, or gone; or there again, where it deleted them.
-- $1 run id, $2 batch
{%- from 'macros.sql' import same %}
with judged as materialized (
    select
        image.ctid as place,
        case when target.ctid is null then 'deleted' else 'changed' end as reason
    from {{ undo }} as image
    left join {{ target }} as target on {{ same(key, 'target', 'image') }}
    where image._run_id = $1
        and image._batch = $2
        and case
            when image._operation = 'delete' then target.ctid is not null
            else target.ctid is null or image._after is distinct from {{ row_hash }}
        end
),

marked as (
    update {{ undo }} as image
    set _kept = judged.reason
    from judged
    where image.ctid = judged.place
    returning image._operation, image._kept, {{ json_key }} as key
)

insert into sqlmig.rollback_kept (run_id, batch, target, key, operation, reason)
select $1, $2, {{ target_name | literal }}, marked.key, marked._operation, marked._kept
from marked
