-- Deletes the rows that a batch inserted. $1 run id, $2 batch{% if single %}, $3 one before-image{% endif %}
{%- from 'macros.sql' import same %}
delete from {{ target }} as target
using {{ undo }} as image
where image._run_id = $1
    and image._batch = $2
    {%- if single %}
    and image.ctid = $3::text::tid
    {%- endif %}
    and image._operation = 'insert'
    and image._kept is null
    and {{ same(key, 'target', 'image') }}
