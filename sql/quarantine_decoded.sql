-- Rows that could not be decoded. $1 run id, $2 source table; then arrays, one element a row: $3 ordinal, $4 code,
-- $5 column, $6 reason, $7 line, $8 byte offset, $9 the row as it stood in the file.
-- How these rows are written: $10 form, $11 columns, $12 encoding
insert into sqlmig.quarantine
    (run_id, source, row, check_name, code, column_name, reason, line, byte_offset, raw, form, fields, encoding)
select
    $1, $2, rejected.row, 'decode', rejected.code, rejected.column_name, rejected.reason, rejected.line,
    rejected.byte_offset, rejected.raw, $10, $11, $12
from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bytea[])
    as rejected (row, code, column_name, reason, line, byte_offset, raw)
