--! summary: Documentation of no type in particular: one document per part of a file
--! from: parts.generic
--! into: documents
{% from 'tree.sql' import parts, documents %}
with part as (
{{ parts(rows) }}
),

named as (
    select
        part.*,
        'generic' as doc_type,
        '{}'::jsonb as own
    from part
)

{{ documents('named') }}
