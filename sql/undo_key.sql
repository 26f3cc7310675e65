-- What the rows of a table of before-images are found again by; no row where there is no such table. $1 its name as SQL
select key
from sqlmig.undo_table
where name = $1 and pg_catalog.to_regclass(name) is not null
