--! summary: Raydium's documentation: one document per part of a page or operation of its API
--! from: parts.raydium
--! into: documents
{% from 'tree.sql' import parts, documents %}
with part as (
{{ parts(rows) }}
),

named as (
    select
        part.*,
        'raydium' as doc_type,
        jsonb_build_object(
            'topic', split_part(path, '/', 1),
            'method', about_part ->> 'method',
            'endpoint', about_part ->> 'path',
            'blockchain', 'solana'
        ) as own
    from part
)

{{ documents('named') }}
