--! summary: Documents
--! from: documents
--! target: public.documents
--! key: doc_type, source_name, doc_path
--! insert_only: id, created_at
-- A document that comes without an embedding keeps the target's as long as its content is the same: embeddings are paid
-- for, and the older of two dumps may lack them.
select
    documents.id,
    documents.doc_type,
    documents.source_name,
    documents.doc_path,
    documents.content,
    documents.metadata,
    case when kept.id is null then documents.embedding else kept.embedding end as embedding,
    documents.token_count,
    documents.created_at,
    documents.updated_at,
    documents.content_sha256,
    case when kept.id is null then documents.embedding_sha256 else kept.embedding_sha256 end as embedding_sha256,
    case when kept.id is null then documents.embedding_model else kept.embedding_model end as embedding_model
from {{ rows }} as documents
left join lateral (
    select id, embedding, embedding_sha256, embedding_model
    from public.documents as final
    where documents.embedding is null
        and final.doc_type = documents.doc_type
        and final.source_name = documents.source_name
        and final.doc_path = documents.doc_path
        and final.content_sha256 = documents.content_sha256
    -- The key is unique. The limit keeps this a look-up for each document that lacks an embedding, and nothing for the
    -- others, where a join might read the whole table for every batch.
    limit 1
) as kept on true
