CREATE SCHEMA sqlmig;
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';
CREATE FUNCTION public.update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.updated_at = current_timestamp;
    return new;
end;
$$;
CREATE FUNCTION sqlmig.environment() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT jsonb_build_object('server_version', current_setting('server_version'::text), 'pgvector', ( SELECT pg_extension.extversion
            FROM pg_extension
           WHERE (pg_extension.extname = 'vector'::name)), 'settings', ( SELECT jsonb_object_agg(pg_settings.name, current_setting(pg_settings.name)) AS jsonb_object_agg
            FROM pg_settings
           WHERE (pg_settings.name = ANY (ARRAY['autovacuum'::text, 'checkpoint_timeout'::text, 'effective_io_concurrency'::text, 'fsync'::text, 'full_page_writes'::text, 'jit'::text, 'maintenance_work_mem'::text, 'max_connections'::text, 'max_parallel_workers'::text, 'max_wal_size'::text, 'shared_buffers'::text, 'synchronous_commit'::text, 'wal_compression'::text, 'wal_level'::text, 'work_mem'::text, 'server_encoding'::text, 'lc_collate'::text])))) AS jsonb_build_object;
END;
CREATE FUNCTION sqlmig.input_is_valid(value text, type_name text) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pg_input_is_valid(value, type_name);
CREATE FUNCTION sqlmig.name_uuid(VARIADIC parts text[]) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT (encode(set_byte(set_byte(hash.bytes, 6, ((get_byte(hash.bytes, 6) & 15) | 128)), 8, ((get_byte(hash.bytes, 8) & 63) | 128)), 'hex'::text))::uuid AS encode FROM (SELECT substr(sha256(convert_to(string_agg(((octet_length(part.name) || ':'::text) || part.name), ''::text ORDER BY part.ordinal), 'UTF8'::name)), 1, 16) AS bytes FROM unnest(name_uuid.parts) WITH ORDINALITY part(name, ordinal)) hash);
CREATE FUNCTION sqlmig.record_run_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'INSERT' then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'begun', pg_catalog.format('%s by project %s, on %s, process %s', new.source, new.project, new.host, new.pid));
        return null;
    end if;
    if new.epoch <> old.epoch then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'taken', pg_catalog.format('epoch %s, on %s, process %s', new.epoch, new.host, new.pid));
    end if;
    if new.state <> old.state then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'state', pg_catalog.format('%s to %s', old.state, new.state));
    end if;
    if new.error is not null and new.error is distinct from old.error then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'failed', new.error);
    end if;
    if new.accepted_at is not null and old.accepted_at is null then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'accepted', 'its before-images are given up');
    end if;
    return null;
end
$$;
CREATE TABLE sqlmig.run (
    id uuid NOT NULL,
    project text NOT NULL,
    project_hash text NOT NULL,
    source text NOT NULL,
    source_sha256 text,
    source_bytes bigint,
    scope text DEFAULT ''::text NOT NULL,
    target text,
    target_schema text,
    parent uuid,
    state text NOT NULL,
    complete boolean DEFAULT false NOT NULL,
    epoch bigint DEFAULT 1 NOT NULL,
    error text,
    exit_code smallint,
    known_files bigint,
    sqlmig_version text NOT NULL,
    environment jsonb DEFAULT sqlmig.environment(),
    host text NOT NULL,
    pid integer NOT NULL,
    peak_rss_bytes bigint DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    accepted_at timestamp with time zone,
    CONSTRAINT run_state_check CHECK ((state = ANY (ARRAY['staging'::text, 'staged'::text, 'checked'::text, 'promoted'::text, 'done'::text, 'superseded'::text, 'rolled_back'::text])))
);
CREATE FUNCTION sqlmig.run_family(run uuid) RETURNS TABLE(id uuid)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH RECURSIVE family AS (
          SELECT run_family.run AS id
         UNION ALL
          SELECT retry.id
            FROM (family family_1
              JOIN sqlmig.run retry ON ((retry.parent = family_1.id)))
           WHERE (retry.state <> ALL (ARRAY['superseded'::text, 'rolled_back'::text]))
         )
  SELECT family.id
    FROM family;
END;
CREATE TABLE public.doc_types (
    doc_type text NOT NULL,
    summary text NOT NULL,
    required_metadata text[] DEFAULT '{}'::text[] NOT NULL
);
COMMENT ON COLUMN public.doc_types.required_metadata IS 'Top-level fields that must be in documents.metadata and not null';
CREATE TABLE public.document_files (
    doc_type text NOT NULL,
    source_name character varying NOT NULL,
    path text NOT NULL,
    format text,
    size_bytes bigint,
    sha256 bytea,
    text_sha256 bytea,
    parts integer NOT NULL,
    decoded_by text NOT NULL
);
COMMENT ON COLUMN public.document_files.sha256 IS 'SHA-256 of the file''s bytes';
COMMENT ON COLUMN public.document_files.text_sha256 IS 'SHA-256 of its text, which its documents are together';
COMMENT ON COLUMN public.document_files.decoded_by IS 'Version of the decoder, tokenizer, tokens a part, project';
CREATE TABLE public.documents (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    doc_type text NOT NULL,
    source_name character varying NOT NULL,
    doc_path text NOT NULL,
    content text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb,
    embedding public.vector(3072),
    token_count integer,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    content_sha256 bytea,
    embedding_sha256 bytea,
    embedding_model text,
    embedding_provider text,
    embedding_text_sha256 bytea
);
COMMENT ON COLUMN public.documents.content_sha256 IS 'SHA-256 of content as UTF-8';
COMMENT ON COLUMN public.documents.embedding_sha256 IS 'SHA-256 of vector_send(embedding)';
COMMENT ON COLUMN public.documents.embedding_provider IS 'source, or the embeddings service that made it';
COMMENT ON COLUMN public.documents.embedding_text_sha256 IS 'SHA-256 of the text (UTF-8) that the embedding was made of';
CREATE VIEW public.document_files_whole AS
 SELECT files.doc_type,
    files.source_name,
    files.path,
    encode(files.sha256, 'hex'::text) AS sha256,
    files.decoded_by,
    COALESCE(documents.without_embedding, false) AS without_embedding
   FROM (public.document_files files
     LEFT JOIN ( SELECT documents_1.doc_type,
            documents_1.source_name,
            (documents_1.metadata ->> 'file'::text) AS path,
            count(*) AS parts,
            bool_or((documents_1.embedding IS NULL)) AS without_embedding
           FROM public.documents documents_1
          WHERE (documents_1.metadata ? 'file'::text)
          GROUP BY documents_1.doc_type, documents_1.source_name, (documents_1.metadata ->> 'file'::text)) documents ON (((documents.doc_type = files.doc_type) AND ((documents.source_name)::text = (files.source_name)::text) AND (documents.path = files.path))))
  WHERE (files.parts = COALESCE(documents.parts, (0)::bigint));
CREATE TABLE public.document_sources (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    doc_type text NOT NULL,
    source_name character varying NOT NULL,
    version character varying,
    config jsonb DEFAULT '{}'::jsonb,
    enabled boolean DEFAULT true,
    last_updated timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    total_docs integer DEFAULT 0,
    total_tokens integer DEFAULT 0,
    created_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE sqlmig.batch (
    run_id uuid NOT NULL,
    number bigint NOT NULL,
    transform text NOT NULL,
    target text NOT NULL,
    source text,
    first_row bigint NOT NULL,
    last_row bigint NOT NULL,
    counted boolean NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    planned_epoch bigint,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    timeouts integer DEFAULT 0 NOT NULL,
    retry_at timestamp with time zone,
    put_off bigint,
    rows_inserted bigint DEFAULT 0 NOT NULL,
    rows_updated bigint DEFAULT 0 NOT NULL,
    rows_unchanged bigint DEFAULT 0 NOT NULL,
    rows_removed bigint DEFAULT 0 NOT NULL,
    rows_refused bigint DEFAULT 0 NOT NULL,
    undo_table text,
    xid xid8,
    epoch bigint,
    elapsed_ms bigint,
    error text,
    finished_at timestamp with time zone,
    rows_deleted bigint DEFAULT 0 NOT NULL,
    rows_restored bigint DEFAULT 0 NOT NULL,
    rows_kept bigint DEFAULT 0 NOT NULL,
    rolled_back_at timestamp with time zone,
    CONSTRAINT batch_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'done'::text, 'failed'::text, 'rolled_back'::text])))
);
CREATE UNLOGGED TABLE sqlmig.canary (
    run_id uuid NOT NULL
);
CREATE TABLE sqlmig.check_result (
    run_id uuid NOT NULL,
    phase text NOT NULL,
    name text NOT NULL,
    on_relation text NOT NULL,
    ordinal integer NOT NULL,
    severity text NOT NULL,
    rows_examined bigint NOT NULL,
    rows_failed bigint NOT NULL,
    elapsed_ms bigint NOT NULL,
    skipped text,
    CONSTRAINT check_result_phase_check CHECK ((phase = ANY (ARRAY['check'::text, 'dedup'::text, 'embed'::text, 'validate'::text]))),
    CONSTRAINT check_result_severity_check CHECK ((severity = ANY (ARRAY['warn'::text, 'reject'::text, 'error'::text])))
);
CREATE TABLE sqlmig.chunk (
    run_id uuid NOT NULL,
    source text NOT NULL,
    first_row bigint NOT NULL,
    last_row bigint NOT NULL,
    rows_staged bigint NOT NULL,
    rows_rejected bigint NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    stored_bytes bigint,
    first_line bigint,
    first_byte bigint,
    consecutive boolean DEFAULT false NOT NULL,
    content_digest bigint DEFAULT 0 NOT NULL,
    staged_at timestamp with time zone DEFAULT clock_timestamp()
);
CREATE TABLE sqlmig.embedding (
    text_sha256 bytea NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    dimensions integer NOT NULL,
    embedding real[] NOT NULL,
    input_tokens integer NOT NULL,
    run_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY sqlmig.embedding ALTER COLUMN embedding SET STORAGE EXTERNAL;
CREATE TABLE sqlmig.embedding_request (
    run_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    dimensions integer NOT NULL,
    texts integer NOT NULL,
    vectors integer NOT NULL,
    tokens bigint NOT NULL,
    price double precision,
    elapsed_ms bigint NOT NULL,
    finished_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE sqlmig.embedding_request ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sqlmig.embedding_request_ordinal_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sqlmig.embedding_row (
    run_id uuid NOT NULL,
    relation text NOT NULL,
    source text NOT NULL,
    "row" bigint NOT NULL,
    text_sha256 bytea NOT NULL,
    provider text,
    model text,
    dimensions integer,
    reason text
);
CREATE VIEW sqlmig.embedding_wanting AS
 SELECT run_id,
    relation,
    source,
    "row",
    text_sha256,
    provider,
    model,
    dimensions,
    reason
   FROM sqlmig.embedding_row wanted
  WHERE (NOT (EXISTS ( SELECT
           FROM sqlmig.embedding embedding
          WHERE ((embedding.text_sha256 = wanted.text_sha256) AND (embedding.provider = wanted.provider) AND (embedding.model = wanted.model) AND (embedding.dimensions = wanted.dimensions)))));
CREATE TABLE sqlmig.event (
    run_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    kind text NOT NULL,
    message text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    who text DEFAULT SESSION_USER NOT NULL,
    client_address text DEFAULT host(inet_client_addr()),
    application text DEFAULT current_setting('application_name'::text) NOT NULL
);
ALTER TABLE sqlmig.event ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sqlmig.event_ordinal_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sqlmig.finding (
    run_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    phase text NOT NULL,
    check_name text NOT NULL,
    source text NOT NULL,
    "row" bigint,
    subject text,
    reason text NOT NULL
);
ALTER TABLE sqlmig.finding ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sqlmig.finding_ordinal_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sqlmig.known_file (
    run_id uuid NOT NULL,
    doc_type text NOT NULL,
    source_name text NOT NULL,
    path text NOT NULL,
    sha256 text NOT NULL,
    decoded_by text NOT NULL
);
CREATE TABLE sqlmig.ledger_migration (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE sqlmig.merged (
    run_id uuid NOT NULL,
    source text NOT NULL,
    "row" bigint NOT NULL,
    rule text NOT NULL,
    winner_source text NOT NULL,
    winner_row bigint NOT NULL
);
CREATE TABLE sqlmig.phase (
    run_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    phase text NOT NULL,
    elapsed_ms bigint NOT NULL,
    summary text NOT NULL,
    finished_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE sqlmig.phase ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sqlmig.phase_ordinal_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sqlmig.project_docs_migration (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE sqlmig.quarantine (
    run_id uuid NOT NULL,
    source text NOT NULL,
    "row" bigint NOT NULL,
    check_name text NOT NULL,
    code text NOT NULL,
    column_name text,
    reason text NOT NULL,
    line bigint,
    byte_offset bigint,
    raw bytea,
    form text,
    fields text[],
    encoding text,
    staged jsonb,
    at timestamp with time zone DEFAULT now() NOT NULL,
    retried_by uuid
);
CREATE VIEW sqlmig.quarantine_entry AS
 SELECT quarantine.run_id,
    quarantine.source,
    quarantine."row",
    quarantine.check_name,
    quarantine.code,
    quarantine.column_name,
    quarantine.reason,
    quarantine.line,
    quarantine.byte_offset,
    quarantine.raw,
    quarantine.form,
    quarantine.fields,
    quarantine.encoding,
    quarantine.staged,
    quarantine.at,
    quarantine.retried_by,
    ((retry.id IS NULL) OR (retry.state = ANY (ARRAY['superseded'::text, 'rolled_back'::text]))) AS open
   FROM (sqlmig.quarantine quarantine
     LEFT JOIN sqlmig.run retry ON ((retry.id = quarantine.retried_by)));
CREATE VIEW sqlmig.quarantine_open AS
 SELECT run_id,
    source,
    "row",
    check_name,
    code,
    column_name,
    reason,
    line,
    byte_offset,
    raw,
    form,
    fields,
    encoding,
    staged,
    at,
    retried_by
   FROM sqlmig.quarantine_entry
  WHERE open;
CREATE TABLE sqlmig.retry (
    run_id uuid NOT NULL,
    source text NOT NULL,
    "row" bigint NOT NULL,
    from_run uuid NOT NULL,
    staged jsonb NOT NULL,
    mended text[] DEFAULT '{}'::text[] NOT NULL
);
CREATE TABLE sqlmig.rollback_kept (
    run_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    batch bigint NOT NULL,
    target text NOT NULL,
    key jsonb NOT NULL,
    operation text NOT NULL,
    reason text NOT NULL,
    detail text,
    kept_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT rollback_kept_operation_check CHECK ((operation = ANY (ARRAY['insert'::text, 'update'::text, 'delete'::text]))),
    CONSTRAINT rollback_kept_reason_check CHECK ((reason = ANY (ARRAY['changed'::text, 'deleted'::text, 'referenced'::text, 'refused'::text])))
);
ALTER TABLE sqlmig.rollback_kept ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sqlmig.rollback_kept_ordinal_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sqlmig.run_plan (
    run_id uuid NOT NULL,
    plan_sha256 text NOT NULL,
    planned jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE sqlmig.source_statement (
    run_id uuid NOT NULL,
    kind text NOT NULL,
    count bigint NOT NULL
);
CREATE TABLE sqlmig.source_table (
    run_id uuid NOT NULL,
    source text NOT NULL,
    ordinal integer NOT NULL,
    staged_as text NOT NULL,
    columns text[] NOT NULL,
    column_types text[] NOT NULL,
    rows_read bigint DEFAULT 0 NOT NULL,
    rows_rejected bigint DEFAULT 0 NOT NULL,
    rows_staged bigint DEFAULT 0 NOT NULL,
    bytes_read bigint DEFAULT 0 NOT NULL,
    digest numeric
);
CREATE TABLE sqlmig.stint (
    run_id uuid NOT NULL,
    id uuid NOT NULL,
    phase text NOT NULL,
    role text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    beat_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    progress_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    doing text,
    done bigint DEFAULT 0 NOT NULL,
    total bigint,
    retries bigint DEFAULT 0 NOT NULL,
    workers integer,
    busy jsonb,
    rss_bytes bigint,
    peak_rss_bytes bigint,
    rss_slot_ms bigint,
    rss_slots bigint[],
    max_rejects text,
    CONSTRAINT stint_role_check CHECK ((role = ANY (ARRAY['conductor'::text, 'worker'::text])))
)
WITH (fillfactor='50');
CREATE TABLE sqlmig.undo_table (
    name text NOT NULL,
    target text NOT NULL,
    key text[] NOT NULL
);
ALTER TABLE ONLY public.doc_types
    ADD CONSTRAINT doc_types_pkey PRIMARY KEY (doc_type);
ALTER TABLE ONLY public.document_files
    ADD CONSTRAINT document_files_pkey PRIMARY KEY (doc_type, source_name, path);
ALTER TABLE ONLY public.document_sources
    ADD CONSTRAINT document_sources_doc_type_source_name_key UNIQUE (doc_type, source_name);
ALTER TABLE ONLY public.document_sources
    ADD CONSTRAINT document_sources_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_doc_type_source_name_doc_path_key UNIQUE (doc_type, source_name, doc_path);
ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sqlmig.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (run_id, number);
ALTER TABLE ONLY sqlmig.canary
    ADD CONSTRAINT canary_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY sqlmig.check_result
    ADD CONSTRAINT check_result_pkey PRIMARY KEY (run_id, phase, name, on_relation);
ALTER TABLE ONLY sqlmig.chunk
    ADD CONSTRAINT chunk_pkey PRIMARY KEY (run_id, source, first_row);
ALTER TABLE ONLY sqlmig.embedding
    ADD CONSTRAINT embedding_pkey PRIMARY KEY (text_sha256, provider, model, dimensions);
ALTER TABLE ONLY sqlmig.embedding_request
    ADD CONSTRAINT embedding_request_pkey PRIMARY KEY (run_id, ordinal);
ALTER TABLE ONLY sqlmig.embedding_row
    ADD CONSTRAINT embedding_row_pkey PRIMARY KEY (run_id, relation, source, "row");
ALTER TABLE ONLY sqlmig.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (run_id, ordinal);
ALTER TABLE ONLY sqlmig.finding
    ADD CONSTRAINT finding_pkey PRIMARY KEY (run_id, ordinal);
ALTER TABLE ONLY sqlmig.ledger_migration
    ADD CONSTRAINT ledger_migration_pkey PRIMARY KEY (version);
ALTER TABLE ONLY sqlmig.merged
    ADD CONSTRAINT merged_pkey PRIMARY KEY (run_id, source, "row");
ALTER TABLE ONLY sqlmig.phase
    ADD CONSTRAINT phase_pkey PRIMARY KEY (run_id, ordinal);
ALTER TABLE ONLY sqlmig.project_docs_migration
    ADD CONSTRAINT project_docs_migration_pkey PRIMARY KEY (version);
ALTER TABLE ONLY sqlmig.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (run_id, source, "row");
ALTER TABLE ONLY sqlmig.retry
    ADD CONSTRAINT retry_pkey PRIMARY KEY (run_id, source, "row");
ALTER TABLE ONLY sqlmig.rollback_kept
    ADD CONSTRAINT rollback_kept_pkey PRIMARY KEY (run_id, batch, ordinal);
ALTER TABLE ONLY sqlmig.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sqlmig.run_plan
    ADD CONSTRAINT run_plan_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY sqlmig.source_statement
    ADD CONSTRAINT source_statement_pkey PRIMARY KEY (run_id, kind);
ALTER TABLE ONLY sqlmig.source_table
    ADD CONSTRAINT source_table_pkey PRIMARY KEY (run_id, source);
ALTER TABLE ONLY sqlmig.stint
    ADD CONSTRAINT stint_pkey PRIMARY KEY (run_id, id);
ALTER TABLE ONLY sqlmig.undo_table
    ADD CONSTRAINT undo_table_pkey PRIMARY KEY (name);
CREATE INDEX idx_document_sources_enabled ON public.document_sources USING btree (enabled);
CREATE INDEX idx_document_sources_last_updated ON public.document_sources USING btree (last_updated);
CREATE INDEX idx_documents_created_at ON public.documents USING btree (created_at);
CREATE INDEX idx_documents_source_name ON public.documents USING btree (source_name);
CREATE INDEX idx_documents_updated_at ON public.documents USING btree (updated_at);
CREATE INDEX batch_pending ON sqlmig.batch USING btree (run_id, transform, number) WHERE (state = 'pending'::text);
CREATE INDEX embedding_row_text ON sqlmig.embedding_row USING btree (run_id, text_sha256);
CREATE INDEX finding_check ON sqlmig.finding USING btree (run_id, phase, check_name);
CREATE INDEX finding_row ON sqlmig.finding USING btree (run_id, source, "row");
CREATE INDEX known_file_run ON sqlmig.known_file USING btree (run_id);
CREATE INDEX merged_winner ON sqlmig.merged USING btree (run_id, winner_source, winner_row);
CREATE INDEX retry_row ON sqlmig.retry USING btree (source, "row");
CREATE INDEX run_started_at ON sqlmig.run USING btree (started_at);
CREATE TRIGGER update_document_sources_updated_at BEFORE UPDATE ON public.document_sources FOR EACH ROW WHEN (((NOT (new.updated_at IS DISTINCT FROM old.updated_at)) AND (COALESCE(current_setting('sqlmig.loading'::text, true), ''::text) <> 'on'::text))) EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_documents_updated_at BEFORE UPDATE ON public.documents FOR EACH ROW WHEN (((NOT (new.updated_at IS DISTINCT FROM old.updated_at)) AND (COALESCE(current_setting('sqlmig.loading'::text, true), ''::text) <> 'on'::text))) EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER run_change AFTER INSERT OR UPDATE ON sqlmig.run FOR EACH ROW EXECUTE FUNCTION sqlmig.record_run_change();
ALTER TABLE ONLY public.document_files
    ADD CONSTRAINT document_files_doc_type_source_name_fkey FOREIGN KEY (doc_type, source_name) REFERENCES public.document_sources(doc_type, source_name);
ALTER TABLE ONLY public.document_sources
    ADD CONSTRAINT document_sources_doc_type_fkey FOREIGN KEY (doc_type) REFERENCES public.doc_types(doc_type);
ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_source_fkey FOREIGN KEY (doc_type, source_name) REFERENCES public.document_sources(doc_type, source_name);
ALTER TABLE ONLY sqlmig.batch
    ADD CONSTRAINT batch_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.check_result
    ADD CONSTRAINT check_result_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.chunk
    ADD CONSTRAINT chunk_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.embedding_request
    ADD CONSTRAINT embedding_request_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.embedding_row
    ADD CONSTRAINT embedding_row_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.event
    ADD CONSTRAINT event_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.finding
    ADD CONSTRAINT finding_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.known_file
    ADD CONSTRAINT known_file_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.merged
    ADD CONSTRAINT merged_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.phase
    ADD CONSTRAINT phase_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.quarantine
    ADD CONSTRAINT quarantine_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.retry
    ADD CONSTRAINT retry_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.rollback_kept
    ADD CONSTRAINT rollback_kept_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.run
    ADD CONSTRAINT run_parent_fkey FOREIGN KEY (parent) REFERENCES sqlmig.run(id) ON DELETE SET NULL;
ALTER TABLE ONLY sqlmig.run_plan
    ADD CONSTRAINT run_plan_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.source_statement
    ADD CONSTRAINT source_statement_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.source_table
    ADD CONSTRAINT source_table_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY sqlmig.stint
    ADD CONSTRAINT stint_run_id_fkey FOREIGN KEY (run_id) REFERENCES sqlmig.run(id) ON DELETE CASCADE;
