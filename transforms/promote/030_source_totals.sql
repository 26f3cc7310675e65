--! summary: The totals of the sources that this run touched, recounted from the final tables
--! target: public.document_sources
--! key: doc_type, source_name
--! insert_only: id, created_at
-- The doc-server's totals are integers: a sum beyond them is held at the largest rather than lose the run.
select
    final.id,
    final.doc_type,
    final.source_name,
    final.version,
    final.config,
    final.enabled,
    final.last_updated,
    coalesce(actual.documents, 0)::integer as total_docs,
    least(coalesce(actual.tokens, 0), 2147483647)::integer as total_tokens,
    final.created_at,
    final.updated_at
from public.document_sources as final
join (
{% if fed('document_sources') %}
    select distinct doc_type, source_name from {{ clean('document_sources') }} as sources
{% endif %}
{% if fed('document_sources') and fed('documents') %}
    union
{% endif %}
{% if fed('documents') %}
    select distinct doc_type, source_name from {{ clean('documents') }} as documents
{% endif %}
{% if not fed('document_sources') and not fed('documents') %}
    select null::text as doc_type, null::text as source_name where false
{% endif %}
) as touched on touched.doc_type = final.doc_type and touched.source_name = final.source_name
left join (
    select doc_type, source_name, count(*) as documents, sum(token_count) as tokens
    from public.documents
    group by doc_type, source_name
) as actual on actual.doc_type = final.doc_type and actual.source_name = final.source_name
