--! summary: Solana's documentation: one document per part of a page
--! from: parts.solana
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'solana') %}
select
    part.*,
    jsonb_build_object(
        -- What the page says, else the folder that it is in.
        'category', coalesce(
            about_file #>> '{front_matter,category}',
            nullif(regexp_replace(regexp_replace(path, '^(?:content|docs)/', ''), '/?[^/]*$', ''), ''),
            'general'
        )
    ) as own
from part
{% endcall %}
