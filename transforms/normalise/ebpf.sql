--! summary: eBPF documentation: one document per part of a page
--! from: parts.ebpf
--! into: documents
{% from 'tree.sql' import parts, documents %}
with part as (
{{ parts(rows) }}
),

named as (
    select
        part.*,
        'ebpf' as doc_type,
        jsonb_build_object(
            'topic', coalesce(
                nullif(regexp_replace(regexp_replace(path, '^(?:docs|Documentation)/', ''), '/?[^/]*$', ''), ''),
                'general'
            )
        ) as own
    from part
)

{{ documents('named') }}
