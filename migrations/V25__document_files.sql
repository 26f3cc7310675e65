-- The files that trees of documentation were read from: what a later load need not decode again, and by what it knows files
-- that are gone. Documents name their file in metadata (`file`).
create table public.document_files (
    doc_type text not null,
    source_name varchar not null,
    path text not null,
    format text,
    size_bytes bigint,
    sha256 bytea,
    text_sha256 bytea,
    parts integer not null,
    decoded_by text not null,
    primary key (doc_type, source_name, path),
    foreign key (doc_type, source_name) references public.document_sources (doc_type, source_name)
);

comment on column public.document_files.sha256 is 'SHA-256 of the file''s bytes';
comment on column public.document_files.text_sha256 is 'SHA-256 of its text, which its documents are together';
comment on column public.document_files.decoded_by is 'Version of the decoder, tokenizer, tokens a part, project';
