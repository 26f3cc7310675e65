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
left join public.documents as kept
    on documents.embedding is null
    and kept.doc_type = documents.doc_type
    and kept.source_name = documents.source_name
    and kept.doc_path = documents.doc_path
    and kept.content_sha256 = documents.content_sha256
