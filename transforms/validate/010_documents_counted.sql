--! summary: Every document that was accepted is in the final table
--! on: public.documents
--! severity: error
{% if fed('documents') %}
select
    concat_ws('/', documents.doc_type, documents.source_name, documents.doc_path) as row,
    'not in the table' as reason
from {{ clean('documents') }} as documents
where not exists (
    select from public.documents as final
    where final.doc_type = documents.doc_type
        and final.source_name = documents.source_name
        and final.doc_path = documents.doc_path
)
{% else %}
select null::text as row, null::text as reason where false
{% endif %}
