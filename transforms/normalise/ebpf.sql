--! summary: eBPF documentation: one document per part of a page
--! from: parts.ebpf
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'ebpf') %}
select
    part.*,
    jsonb_build_object(
        'topic', coalesce(
            nullif(regexp_replace(regexp_replace(path, '^(?:docs|Documentation)/', ''), '/?[^/]*$', ''), ''),
            'general'
        )
    ) as own
from part
{% endcall %}
