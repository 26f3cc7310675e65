--! summary: A document that came without an embedding gets one of its content
--! on: documents
--! severity: warn
--! vector: embedding
--! text: content
-- Not where the target has one of the same content, which promotion keeps: what is paid for is not asked for again. A document that
-- is left without cannot be found by search; a project that wants none of those says severity: reject here.
select documents._row, documents.content as text
from {{ rows }} as documents
where documents.embedding is null
    and not exists (
        select
        from public.documents as final
        where final.doc_type = documents.doc_type
            and final.source_name = documents.source_name
            and final.doc_path = documents.doc_path
            and final.content_sha256 = documents.content_sha256
            and final.embedding is not null
    )
