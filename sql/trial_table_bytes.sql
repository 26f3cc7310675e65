-- What a table takes on disk, with its TOAST table and indexes. $1 its name as SQL
select pg_catalog.pg_total_relation_size(pg_catalog.to_regclass($1)) as bytes
