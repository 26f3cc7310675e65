-- What a transform yields, as text.
select
    {%- for column in columns %}
    yielded.{{ column | ident }}::text as {{ column | ident }}{% if not loop.last %},{% endif %}
    {%- endfor %}
from (
{{ select }}) as yielded
