-- The mark by which sqlmig knows its own tables again; a table without it is never dropped.
comment on table {{ table }} is {{ comment | literal }}
