--! summary: A document belongs to a source that this run accepted or the target has
--! on: documents
--! severity: reject
-- After the checks on sources: a source that they rejected does not count. A document of an unknown type is the
-- business of doc_type_unknown.
{% from 'sources.sql' import without_source %}
select
    documents._row,
    format('there is no source %s of type %s: add it to document_sources', documents.source_name, documents.doc_type)
        as reason
from {{ rows }} as documents
where btrim(documents.source_name) <> ''
    and exists (select from public.doc_types as types where types.doc_type = documents.doc_type)
    and {{ without_source('documents') }}
