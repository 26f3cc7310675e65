-- Files of which every part is a document: those alone need not be decoded again. A part that was taken out, or that
-- somebody deleted, has its whole file read the next time.
create view public.document_files_whole as
select
    files.doc_type,
    files.source_name,
    files.path,
    encode(files.sha256, 'hex') as sha256,
    files.decoded_by
from public.document_files as files
left join (
    select doc_type, source_name, metadata ->> 'file' as path, count(*) as parts
    from public.documents
    where metadata ? 'file'
    group by doc_type, source_name, metadata ->> 'file'
) as documents on documents.doc_type = files.doc_type
    and documents.source_name = files.source_name
    and documents.path = files.path
where files.parts = coalesce(documents.parts, 0);
