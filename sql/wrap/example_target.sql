-- A row that an example finds in a final table. $1 the row, a JSON object with texts
insert into {{ table }} (
    {%- for column in columns %}
    {{ column.name | ident }}{% if not loop.last %},{% endif %}
    {%- endfor %}
)
select
    {%- for column in columns %}
    ($1::jsonb ->> {{ column.name | literal }}){{ column.cast }}{% if not loop.last %},{% endif %}
    {%- endfor %}
