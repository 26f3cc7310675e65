{#- What belongs to a source, by its doc_type and source_name. -#}

{#- Whether a row belongs to no source: neither one that the target has nor one that this run accepted. -#}
{% macro without_source(row) -%}
not exists (
        select from public.document_sources as final
        where final.doc_type = {{ row | ident }}.doc_type and final.source_name = {{ row | ident }}.source_name
    )
{%- if fed('document_sources') %}
    and not exists (
        select from {{ accepted('document_sources') }} as sources
        where sources.doc_type = {{ row | ident }}.doc_type and sources.source_name = {{ row | ident }}.source_name
    )
{%- endif %}
{%- endmacro %}
