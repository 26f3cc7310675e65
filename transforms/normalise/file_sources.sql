--! summary: Sources of documents from trees of documentation; one row per tree
--! from: public.file_sources
--! into: document_sources
-- Nothing of a tree says when: times of files are those of whoever unpacked them.
select
    _row,
    sqlmig.name_uuid('document_sources', doc_type, source_name) as id,
    doc_type,
    source_name,
    version,
    jsonb_build_object('loaded_from', 'documentation tree') as config,
    true as enabled,
    null::timestamptz as last_updated,
    null::integer as total_docs,
    null::integer as total_tokens,
    null::timestamptz as created_at,
    null::timestamptz as updated_at
from {{ rows }} as staged
