-- $1 run id, $2 source table, $3 its place in the source, $4 staging table, $5 its columns, $6 their types
insert into sqlmig.source_table (run_id, source, ordinal, staged_as, columns, column_types)
values ($1, $2, $3, $4, $5, $6)
