-- Leaves the rows that rows of another table refer to by one foreign key, or rows of the same table that stay: of rows to be
-- deleted, and of rows that would get another value in the columns referred to. $1 run id, $2 batch
{%- from 'macros.sql' import same %}
with judged as materialized (
    select image.ctid as place, pg_catalog.count(*) as dependants
    from {{ undo }} as image
    join {{ target }} as target on {{ same(key, 'target', 'image') }}
    join {{ referencing }} as child on {% for column in references %}child.{{ column.own | ident }} = target.{{ column.other | ident }}{% if not loop.last %} and {% endif %}{% endfor %}
    where image._run_id = $1
        and image._batch = $2
        and image._kept is null
        and (
            image._operation = 'insert'
            {%- if changes %}
            or ({% for column in references %}target.{{ column.other | ident }}{% if not loop.last %}, {% endif %}{% endfor %})
                is distinct from ({% for column in references %}image.{{ column.other | ident }}{% if not loop.last %}, {% endif %}{% endfor %})
            {%- endif %}
        )
        {%- if itself %}
        and not exists (
            select
            from {{ undo }} as also
            where also._run_id = $1
                and also._batch = $2
                and also._kept is null
                and {{ same(key, 'also', 'child') }} and (
                    also._operation = 'insert'
                    or ({% for column in references %}also.{{ column.own | ident }}{% if not loop.last %}, {% endif %}{% endfor %})
                        is distinct from ({% for column in references %}child.{{ column.own | ident }}{% if not loop.last %}, {% endif %}{% endfor %})
                )
        )
        {%- endif %}
    group by image.ctid
),

marked as (
    update {{ undo }} as image
    set _kept = 'referenced'
    from judged
    where image.ctid = judged.place
    returning image._operation, judged.dependants, {{ json_key }} as key
)

insert into sqlmig.rollback_kept (run_id, batch, target, key, operation, reason, detail)
select
    $1, $2, {{ target_name | literal }}, marked.key, marked._operation, 'referenced',
    pg_catalog.format('by %s %s of %s (%s)', marked.dependants,
        case when marked.dependants = 1 then 'row' else 'rows' end, {{ referencing_name | literal }}, {{ constraint | literal }})
from marked
