--! summary: The totals of every source are those of its documents
--! on: public.document_sources
--! severity: warn
-- A warning: the doc-server, too, writes to these tables, and a source of another load is not this run's to mend.
select
    concat_ws('/', sources.doc_type, sources.source_name) as row,
    format(
        'says %s documents and %s tokens, has %s and %s',
        sources.total_docs, sources.total_tokens, coalesce(actual.documents, 0), coalesce(actual.tokens, 0)
    ) as reason
from public.document_sources as sources
left join (
    select doc_type, source_name, count(*) as documents, coalesce(sum(token_count), 0) as tokens
    from public.documents
    group by doc_type, source_name
) as actual on actual.doc_type = sources.doc_type and actual.source_name = sources.source_name
where (coalesce(sources.total_docs, 0), coalesce(sources.total_tokens, 0))
    is distinct from (coalesce(actual.documents, 0), coalesce(actual.tokens, 0))
