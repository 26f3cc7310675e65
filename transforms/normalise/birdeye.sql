--! summary: BirdEye's API from its OpenAPI description, one document per endpoint; and pages beside it
--! from: parts.birdeye
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'birdeye') %}
select
    part.*,
    jsonb_build_object(
        'source', source_name,
        'api', about_part ->> 'api',
        'method', about_part ->> 'method',
        'endpoint', about_part ->> 'path',
        'operation_id', about_part ->> 'operation_id',
        'summary', about_part ->> 'summary',
        'tags', nullif(about_part -> 'tags', '[]'),
        'deprecated', about_part -> 'deprecated',
        'servers', nullif(about_part -> 'servers', '[]')
    ) as own
from part
{% endcall %}
