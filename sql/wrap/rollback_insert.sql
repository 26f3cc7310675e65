-- Inserts again the rows that a batch deleted{% if not deleted_only %}, and those that it changed and somebody deleted since{% endif %}.
-- $1 run id, $2 batch{% if single %}, $3 one before-image{% endif %}
{%- from 'macros.sql' import same %}
insert into {{ target }} ({{ inserted | idents }}) overriding system value
select {{ inserted | idents('image') }}
from {{ undo }} as image
where image._run_id = $1
    and image._batch = $2
    {%- if single %}
    and image.ctid = $3::text::tid
    {%- endif %}
    and image._operation {% if deleted_only %}= 'delete'{% else %}in ('update', 'delete'){% endif %}
    and image._kept is null
    and not exists (select from {{ target }} as target where {{ same(key, 'target', 'image') }})
