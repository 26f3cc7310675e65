--! summary: The totals that a source claims are those of the documents that came with it
--! on: document_sources
--! severity: warn
-- Only a warning: the totals are recounted after promotion. It tells that the dump was taken while documents were being
-- written, or that documents are missing from it. A tree claims nothing.
{% if fed('documents') %}
select
    sources._row,
    format(
        'the source claims %s documents and %s tokens, %s and %s came with it',
        coalesce(sources.total_docs, 0), coalesce(sources.total_tokens, 0),
        coalesce(actual.documents, 0), coalesce(actual.tokens, 0)
    ) as reason
from {{ rows }} as sources
left join (
    select doc_type, source_name, count(*) as documents, coalesce(sum(token_count), 0) as tokens
    from {{ canonical('documents') }} as documents
    group by doc_type, source_name
) as actual on actual.doc_type = sources.doc_type and actual.source_name = sources.source_name
where sources._source <> 'public.file_sources'
    and (coalesce(sources.total_docs, 0), coalesce(sources.total_tokens, 0))
    is distinct from (coalesce(actual.documents, 0), coalesce(actual.tokens, 0))
{% else %}
select null::bigint as _row, null::text as reason where false
{% endif %}
