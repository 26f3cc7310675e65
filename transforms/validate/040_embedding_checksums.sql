--! summary: The embeddings in the final table are those that were staged, element by element
--! on: public.documents
--! severity: error
-- The checks have held the staged embeddings against what the reader decoded. Compared with them, and not by a SHA-256
-- of their own, because a server without OpenSSL takes longer for that than for all the rest of the validation. A document
-- that came without an embedding may have kept the target's (promote/020): it has nothing to compare.
{% if fed('documents') %}
select
    concat_ws('/', final.doc_type, final.source_name, final.doc_path) as row,
    'the embedding is not the one taken from the source' as reason
from {{ clean('documents') }} as documents
join public.documents as final
    on final.doc_type = documents.doc_type
    and final.source_name = documents.source_name
    and final.doc_path = documents.doc_path
where documents.embedding_sha256 is not null
    and (
        final.embedding_sha256 is distinct from documents.embedding_sha256
        or final.embedding is distinct from documents.embedding
    )
{% else %}
select null::text as row, null::text as reason where false
{% endif %}
