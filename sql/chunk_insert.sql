-- $1 run id, $2 source table, $3 first row, $4 last row, $5 rows staged, $6 rows rejected, $7 bytes in the source, $8 digest of
-- all its rows, $9 line and $10 byte where the first row stands, $11 whether each row begins on the line after the one before,
-- $12 stored bytes of the source that were read for it
insert into sqlmig.chunk
    (
        run_id, source, first_row, last_row, rows_staged, rows_rejected, bytes, content_digest, first_line, first_byte,
        consecutive, stored_bytes
    )
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
