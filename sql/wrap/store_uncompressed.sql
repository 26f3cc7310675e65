-- Wide text in staging is not compressed: it is read once or twice and then thrown away, and compressing it costs more
-- than reading it. (CREATE TABLE itself takes STORAGE only from PostgreSQL 16 on.)
alter table {{ table }}
{%- for column in columns %}
alter column {{ column | ident }} set storage external{% if not loop.last %},{% endif %}
{%- endfor %}
