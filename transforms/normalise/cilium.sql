--! summary: Cilium's documentation: one document per part of a page
--! from: parts.cilium
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'cilium') %}
select
    part.*,
    jsonb_build_object('topic', split_part(regexp_replace(path, '^(Documentation|docs)/', ''), '/', 1), 'platform', 'kubernetes') as own
from part
{% endcall %}
