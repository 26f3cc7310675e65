-- The rows of a canonical relation: the normalise transforms that feed it, one after another.
{% for feed in feeds -%}
select {{ feed.source | literal }}::text as _source, normalised.*
from (
{{ feed.select }}) as normalised
{% if not loop.last %}union all
{% endif %}
{%- endfor %}
