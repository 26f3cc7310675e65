-- One staging table. UNLOGGED: what it holds can be read again from the source.
create unlogged table {{ table }} (
    _row bigint not null
    {%- for column in columns %},
    {{ column.name | ident }} {{ column.type }}
    {%- endfor %}
)
with (autovacuum_enabled = false, parallel_workers = 2)
