--! summary: Cilium's documentation: one document per part of a page
--! from: parts.cilium
--! into: documents
{% from 'tree.sql' import parts, documents %}
with part as (
{{ parts(rows) }}
),

named as (
    select
        part.*,
        'cilium' as doc_type,
        jsonb_build_object('topic', split_part(regexp_replace(path, '^(Documentation|docs)/', ''), '/', 1), 'platform', 'kubernetes') as own
    from part
)

{{ documents('named') }}
