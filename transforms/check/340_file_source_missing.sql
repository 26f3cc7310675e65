--! summary: A file belongs to a source that this run accepted or the target has
--! on: files
--! severity: reject
select files._row, format('there is no source %s of type %s', files.source_name, files.doc_type) as reason
from {{ rows }} as files
where not exists (
        select from public.document_sources as final
        where final.doc_type = files.doc_type and final.source_name = files.source_name
    )
{% if fed('document_sources') %}
    and not exists (
        select from {{ accepted('document_sources') }} as sources
        where sources.doc_type = files.doc_type and sources.source_name = files.source_name
    )
{% endif %}
