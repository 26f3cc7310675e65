-- Rows of a staging table that are not, byte for byte, what the reader decoded. Rows of a retry have no digest, since no
-- reader has read them: their columns are held against the SHA-256 that the project has taken of them, where it has.
select _row, 'the row is not what was read: it was changed after it was staged' as reason
from {{ staged }} as staged
where _digest <> {{ hash }}
{%- for column in digested %}
    or (_digest is null and pg_catalog.sha256({{ column.bytes }}) is distinct from {{ column.digest | ident }})
{%- endfor %}
