--! summary: The type of a source is one of doc_types
--! on: document_sources
--! severity: reject
-- The type of a tree is known by its normalise file; promote/005 adds it to doc_types.
select
    sources._row,
    format('doc_type %L is not in doc_types: add a row there, or correct the source', sources.doc_type) as reason
from {{ rows }} as sources
left join public.doc_types as types on types.doc_type = sources.doc_type
where types.doc_type is null and btrim(sources.doc_type) <> '' and sources._source <> 'public.file_sources'
