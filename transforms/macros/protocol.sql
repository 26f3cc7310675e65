{#- Documentation of a protocol: pages, and the operations of its API. -#}
{% from 'tree.sql' import tree %}

{#- One document per part of a page or operation; the topic is the folder. -#}
{% macro protocol(rows, doc_type, blockchain) %}
{% call tree(rows, doc_type) %}
select
    part.*,
    jsonb_build_object(
        'topic', split_part(path, '/', 1),
        'method', about_part ->> 'method',
        'endpoint', about_part ->> 'path',
        'blockchain', {{ blockchain | literal }}
    ) as own
from part
{% endcall %}
{% endmacro %}
