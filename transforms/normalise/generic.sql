--! summary: Documentation of no type in particular: one document per part of a file
--! from: parts.generic
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'generic') %}
select
    part.*,
    '{}'::jsonb as own
from part
{% endcall %}
