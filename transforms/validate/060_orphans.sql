--! summary: Every document has its source
--! on: public.documents
--! severity: error
select
    concat_ws('/', documents.doc_type, documents.source_name) as row,
    format('%s documents, no source', count(*)) as reason
from public.documents as documents
where not exists (
    select from public.document_sources as sources
    where sources.doc_type = documents.doc_type and sources.source_name = documents.source_name
)
group by documents.doc_type, documents.source_name
