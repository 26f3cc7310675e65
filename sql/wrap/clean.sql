-- Accepted rows that were not merged into another, with what they took from those that were.
select
    {% for column in columns -%}
    {% if column.patches %}coalesce({% for patch in column.patches %}{{ patch | ident }}.{{ column.name | ident }}, {% endfor %}accepted.{{ column.name | ident }}) as {{ column.name | ident }}
    {%- else %}accepted.{{ column.name | ident }}{% endif %}{% if not loop.last %},
    {% endif %}
    {%- endfor %}
from ({{ accepted }}) as accepted
{% for patch in patches -%}
left join {{ patch.table }} as {{ patch.alias | ident }}
    on {{ patch.alias | ident }}._source = accepted._source and {{ patch.alias | ident }}._row = accepted._row
{% endfor -%}
where not exists (
    select
    from {{ merged }} as merged
    where merged.run_id = {{ run | literal }}::uuid
        and merged.source = accepted._source
        and merged.row = accepted._row
)
