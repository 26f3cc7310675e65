-- Where the state of today does not count, an inserted row that is gone needs no taking back. $1 run id, $2 batch
{%- from 'macros.sql' import same %}
delete from {{ undo }} as image
where image._run_id = $1
    and image._batch = $2
    and image._operation = 'insert'
    and not exists (select from {{ target }} as target where {{ same(key, 'target', 'image') }})
