-- Puts back the rows that a batch changed, as they were before it. $1 run id, $2 batch{% if single %}, $3 one before-image{% endif %}
{%- from 'macros.sql' import same %}
update {{ target }} as target
set {% for column in restored %}{{ column | ident }} = image.{{ column | ident }}{% if not loop.last %}, {% endif %}{% endfor %}
from {{ undo }} as image
where image._run_id = $1
    and image._batch = $2
    {%- if single %}
    and image.ctid = $3::text::tid
    {%- endif %}
    and image._operation in ('update', 'delete')
    and image._kept is null
    and {{ same(key, 'target', 'image') }}
