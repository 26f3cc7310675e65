-- One staging table. UNLOGGED, or temporary in a trial: what it holds can be read again from the source. _digest is the reader's hash of the row, null
-- where no reader took one.
create {{ kind }} {{ table }} (
    _row bigint not null,
    _digest bigint
    {%- for column in columns %},
    {{ column.name | ident }} {{ column.type }}
    {%- endfor %}
)
with (autovacuum_enabled = false, parallel_workers = 2)
