--! summary: Documents from the older rust_docs_vectors database; one row per row of doc_embeddings
--! from: public.doc_embeddings
--! into: documents
-- Its ids were integers of its own: the uuid is derived from the key instead, and the integer is kept in the metadata,
-- which that database did not have.
select
    _row,
    case
        when crate_name is not null and doc_path is not null
        then sqlmig.name_uuid('documents', 'rust', crate_name, doc_path)
    end as id,
    'rust' as doc_type,
    crate_name as source_name,
    doc_path,
    content,
    jsonb_build_object(
        'crate_name', crate_name,
        'migrated_from', 'rust_docs_vectors',
        'original_id', {{ cast('id', 'integer') }}
    ) as metadata,
    embedding,
    {{ cast('token_count', 'integer') }} as token_count,
    {{ cast('created_at', 'timestamptz') }} as created_at,
    {{ cast('created_at', 'timestamptz') }} as updated_at,
    _content_sha256 as content_sha256,
    _embedding_sha256 as embedding_sha256,
    case when embedding is not null then {{ vars.embedding_model }} end as embedding_model
from {{ rows }} as staged
