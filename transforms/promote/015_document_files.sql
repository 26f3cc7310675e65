--! summary: Files of trees of documentation
--! from: files
--! target: public.document_files
--! key: doc_type, source_name, path
-- A file that was not decoded is as the target has it.
select
    files.doc_type,
    files.source_name,
    files.path,
    coalesce(files.format, known.format) as format,
    files.size_bytes,
    files.sha256,
    case when files.state = 'unchanged' then known.text_sha256 else files.text_sha256 end as text_sha256,
    coalesce(files.parts, known.parts) as parts,
    files.decoded_by
from {{ rows }} as files
left join public.document_files as known
    on known.doc_type = files.doc_type and known.source_name = files.source_name and known.path = files.path
