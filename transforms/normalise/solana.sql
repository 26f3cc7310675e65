--! summary: Solana's documentation: one document per part of a page
--! from: parts.solana
--! into: documents
{% from 'tree.sql' import parts, documents %}
with part as (
{{ parts(rows) }}
),

named as (
    select
        part.*,
        'solana' as doc_type,
        jsonb_build_object(
            -- What the page says, else the folder that it is in.
            'category', coalesce(
                about_file #>> '{front_matter,category}',
                nullif(regexp_replace(regexp_replace(path, '^(?:content|docs)/', ''), '/?[^/]*$', ''), ''),
                'general'
            )
        ) as own
    from part
)

{{ documents('named') }}
