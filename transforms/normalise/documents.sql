--! summary: Documents from a dump of the doc-server; one row per row of documents
--! from: public.documents
--! into: documents
select
    _row,
    {{ cast('id', 'uuid') }} as id,
    doc_type,
    source_name,
    doc_path,
    content,
    {{ cast('metadata', 'jsonb') }} as metadata,
    embedding,
    {{ cast('token_count', 'integer') }} as token_count,
    {{ cast('created_at', 'timestamptz') }} as created_at,
    {{ cast('updated_at', 'timestamptz') }} as updated_at,
    _content_sha256 as content_sha256,
    _embedding_sha256 as embedding_sha256,
    case when embedding is not null then {{ vars.embedding_model }} end as embedding_model
from {{ rows }} as staged
