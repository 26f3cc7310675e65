-- The texts of some rows. $1 their ordinals
select wanted._row::bigint as row, wanted.text::text as text
from (
{{ select }}) as wanted
where wanted._row = any ($1::bigint[])
