--! summary: Every source that was accepted is in the final table
--! on: public.document_sources
--! severity: error
{% if fed('document_sources') %}
select
    concat_ws('/', sources.doc_type, sources.source_name) as row,
    'not in the table' as reason
from {{ clean('document_sources') }} as sources
where not exists (
    select from public.document_sources as final
    where final.doc_type = sources.doc_type and final.source_name = sources.source_name
)
{% else %}
select null::text as row, null::text as reason where false
{% endif %}
