--! summary: Types of documents that a tree brought in, each known by its normalise file
--! target: public.doc_types
--! key: doc_type
--! insert_only: summary, required_metadata
--! needs: trees
select
    trees.doc_type,
    coalesce(final.summary, 'Documentation of type ' || trees.doc_type) as summary,
    coalesce(final.required_metadata, '{}') as required_metadata
from (
    select distinct sources.doc_type
    from {{ clean('document_sources') }} as sources
) as trees
left join public.doc_types as final on final.doc_type = trees.doc_type
