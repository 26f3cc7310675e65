--! summary: Talos Linux's documentation: one document per part of a page
--! from: parts.talos
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'talos') %}
select
    part.*,
    jsonb_build_object(
        -- Its site keeps a folder for each version: website/content/v1.9/…
        'talos_version', substring(path from '(?:^|/)(v[0-9]+[.][0-9]+)/'),
        'topic', substring(path from '(?:^|/)v[0-9]+[.][0-9]+/([^/]+)/'),
        'platform', 'kubernetes'
    ) as own
from part
{% endcall %}
