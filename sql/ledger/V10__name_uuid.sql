-- A uuid made from names alone, so that a row loaded twice gets the same id. RFC 9562 version 8 over SHA-256 (its
-- appendix B.2): core PostgreSQL has no SHA-1, which version 5 would need. Each part goes in with its length before
-- it, so that ('ab', 'c') and ('a', 'bc') differ.
create or replace function sqlmig.name_uuid(variadic parts text[]) returns uuid
language sql immutable strict parallel safe
return (
    select pg_catalog.encode(
        pg_catalog.set_byte(
            pg_catalog.set_byte(hash.bytes, 6, (pg_catalog.get_byte(hash.bytes, 6) & 15) | 128),
            8, (pg_catalog.get_byte(hash.bytes, 8) & 63) | 128
        ), 'hex')::uuid
    from (
        select pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(
            pg_catalog.string_agg(pg_catalog.octet_length(part.name) || ':' || part.name, '' order by part.ordinal),
            'UTF8')), 1, 16) as bytes
        from pg_catalog.unnest(parts) with ordinality as part (name, ordinal)
    ) as hash
);
