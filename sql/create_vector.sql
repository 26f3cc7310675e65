-- The vector extension, where every session of sqlmig finds its types and operators.
create extension if not exists vector with schema public;
