--! summary: Documents
--! from: documents
--! target: public.documents
--! key: doc_type, source_name, doc_path
--! insert_only: id, created_at
-- A document that comes without an embedding keeps the target's as long as its content is the same: embeddings are paid
-- for, and the older of two dumps may lack them. Where the target has none either, it takes what was fetched for it.
select
    documents.id,
    documents.doc_type,
    documents.source_name,
    documents.doc_path,
    documents.content,
    documents.metadata,
    case
        when documents.embedding is not null then documents.embedding
        when kept.id is not null then kept.embedding
        else fetched.embedding::vector
    end as embedding,
    documents.token_count,
    documents.created_at,
    documents.updated_at,
    documents.content_sha256,
    case
        when documents.embedding is not null then documents.embedding_sha256
        when kept.id is not null then kept.embedding_sha256
        else sha256(vector_send(fetched.embedding::vector))
    end as embedding_sha256,
    case
        when documents.embedding is not null then documents.embedding_model
        when kept.id is not null then kept.embedding_model
        else fetched.model
    end as embedding_model,
    case
        when documents.embedding is not null then 'source'
        when kept.id is not null then kept.embedding_provider
        else fetched.provider
    end as embedding_provider,
    case
        when documents.embedding is not null then documents.content_sha256
        when kept.id is not null then kept.embedding_text_sha256
        else fetched.text_sha256
    end as embedding_text_sha256
from {{ rows }} as documents
left join lateral (
    select id, embedding, embedding_sha256, embedding_model, embedding_provider, embedding_text_sha256
    from public.documents as final
    where documents.embedding is null
        and final.doc_type = documents.doc_type
        and final.source_name = documents.source_name
        and final.doc_path = documents.doc_path
        and final.content_sha256 = documents.content_sha256
        and final.embedding is not null
    -- The key is unique. The limit keeps this a look-up for each document that lacks an embedding, and nothing for the
    -- others, where a join might read the whole table for every batch.
    limit 1
) as kept on true
left join {{ embedded('documents') }} as fetched
    on fetched._source = documents._source and fetched._row = documents._row
