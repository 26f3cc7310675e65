--! summary: Sources of documents from a dump of the doc-server; one row per row of document_sources
--! from: public.document_sources
--! into: document_sources
select
    _row,
    {{ cast('id', 'uuid') }} as id,
    doc_type,
    source_name,
    version,
    {{ cast('config', 'jsonb') }} as config,
    {{ cast('enabled', 'boolean') }} as enabled,
    {{ cast('last_updated', 'timestamptz') }} as last_updated,
    {{ cast('total_docs', 'integer') }} as total_docs,
    {{ cast('total_tokens', 'integer') }} as total_tokens,
    {{ cast('created_at', 'timestamptz') }} as created_at,
    {{ cast('updated_at', 'timestamptz') }} as updated_at
from {{ rows }} as staged
