-- A file of which a document has no embedding is read again once there is a service to ask: only what is read is staged, and only what
-- is staged is embedded.
create or replace view public.document_files_whole as
select
    files.doc_type,
    files.source_name,
    files.path,
    encode(files.sha256, 'hex') as sha256,
    files.decoded_by,
    coalesce(documents.without_embedding, false) as without_embedding
from public.document_files as files
left join (
    select
        doc_type,
        source_name,
        metadata ->> 'file' as path,
        count(*) as parts,
        bool_or(embedding is null) as without_embedding
    from public.documents
    where metadata ? 'file'
    group by doc_type, source_name, metadata ->> 'file'
) as documents on documents.doc_type = files.doc_type
    and documents.source_name = files.source_name
    and documents.path = files.path
where files.parts = coalesce(documents.parts, 0);
