--! summary: Sources, before their documents
--! from: document_sources
--! target: public.document_sources
--! key: doc_type, source_name
--! insert_only: id, created_at
-- The totals stay what the target has until 030 recounts them: what a source claims is not promoted, or every load
-- would write the claim and then the count.
select
    sources.id,
    sources.doc_type,
    sources.source_name,
    sources.version,
    sources.config,
    sources.enabled,
    sources.last_updated,
    coalesce(final.total_docs, 0) as total_docs,
    coalesce(final.total_tokens, 0) as total_tokens,
    sources.created_at,
    sources.updated_at
from {{ rows }} as sources
left join public.document_sources as final
    on final.doc_type = sources.doc_type and final.source_name = sources.source_name
