--! summary: Jupyter notebooks and what lies beside them: one document per part of a notebook
--! from: parts.jupyter
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'jupyter') %}
select
    part.*,
    jsonb_build_object(
        'language', about_file ->> 'language',
        'nbformat', about_file -> 'nbformat'
    ) as own
from part
{% endcall %}
