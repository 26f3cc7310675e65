--! summary: The type of a document is one of doc_types
--! on: documents
--! severity: reject
-- The type of a tree's documents is known by its normalise file; promote/005 adds it to doc_types.
select
    documents._row,
    format('doc_type %L is not in doc_types: add a row there, or correct the document', documents.doc_type) as reason
from {{ rows }} as documents
left join public.doc_types as types on types.doc_type = documents.doc_type
where types.doc_type is null and btrim(documents.doc_type) <> '' and documents._source not like 'parts.%'
