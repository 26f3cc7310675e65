-- Files of documentation that a run need not decode, as the target had them when the run first asked: what the run itself
-- promotes must not change what it reads when it is resumed. `known_files` counts them; null, nobody has asked.
alter table sqlmig.run
add column known_files bigint;

create table sqlmig.known_file (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    doc_type text not null,
    source_name text not null,
    path text not null,
    sha256 text not null,
    decoded_by text not null
);

create index known_file_run on sqlmig.known_file (run_id);
