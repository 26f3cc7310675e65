{#- What several wrapper statements say. -#}

{#- Whether two rows are equal in all of some columns, which are not null. -#}
{% macro same(columns, left, right) -%}
    {% for column in columns %}{{ left | ident }}.{{ column | ident }} = {{ right | ident }}.{{ column | ident }}{% if not loop.last %} and {% endif %}{% endfor %}
{%- endmacro %}

{#- The rows that an author's SELECT yields, cast to the target's types. -#}
{% macro selected(select, columns, distinct=false) -%}
    select{% if distinct %} distinct{% endif %}
        {% for column in columns %}{{ column.expression }} as {{ column.name | ident }}{% if not loop.last %},
        {% endif %}{% endfor %}
    from (
{{ select }}) as selected
{%- endmacro %}

{#- The first two queries of a batch: the rows that an author's SELECT yields, and those rows of the target that have their
keys. A row's xmin tells whether it was changed since. -#}
{% macro incoming_and_existing(select, columns, key, target, all_columns, distinct=false) -%}
incoming as materialized (
{{ selected(select, columns, distinct) }}
),

existing as materialized (
    select target.xmin as _xmin, {{ all_columns | idents('target') }}
    from {{ target }} as target
    where exists (select from incoming where {{ same(key, 'incoming', 'target') }})
)
{%- endmacro %}

{#- The last query of a batch that inserts: the keys of the rows that were `added` go to the undo table. -#}
{% macro noted(undo, key) -%}
noted as (
    insert into {{ undo }} (_run_id, _batch, _operation, _after, {{ key | idents }})
    select $3, $4, 'insert', added._after, {{ key | idents('added') }}
    from added
    returning 1
)
{%- endmacro %}
