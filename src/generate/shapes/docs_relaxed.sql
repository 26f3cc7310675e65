--
-- PostgreSQL database dump
--

\restrict @token@

-- Dumped from database version 16.14
-- Dumped by pg_dump version 16.14

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: vector; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;


--
-- Name: EXTENSION vector; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';


--
-- Name: doc_type; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.doc_type AS ENUM (
    'rust',
    'jupyter',
    'birdeye',
    'cilium',
    'talos',
    'meteora',
    'raydium',
    'solana',
    'ebpf',
    'rust_best_practices'
);


ALTER TYPE public.doc_type OWNER TO postgres;

--
-- Name: update_updated_at_column(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.updated_at = CURRENT_TIMESTAMP;
    RETURN NEW;
END;
$$;


ALTER FUNCTION public.update_updated_at_column() OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: document_sources; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.document_sources (
    id uuid,
    doc_type text,
    source_name text,
    version text,
    config jsonb,
    enabled boolean,
    last_updated timestamp with time zone,
    total_docs integer,
    total_tokens integer,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);


ALTER TABLE public.document_sources OWNER TO postgres;

--
-- Name: active_sources; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.active_sources AS
 SELECT id,
    doc_type,
    source_name,
    version,
    config,
    enabled,
    last_updated,
    total_docs,
    total_tokens,
    created_at,
    updated_at
   FROM public.document_sources
  WHERE (enabled = true);


ALTER VIEW public.active_sources OWNER TO postgres;

--
-- Name: documents; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.documents (
    id text,
    doc_type text,
    source_name text,
    doc_path text,
    content text,
    metadata text,
    embedding public.vector,
    token_count text,
    created_at text,
    updated_at text
);


ALTER TABLE public.documents OWNER TO postgres;

--
-- Data for Name: document_sources; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.document_sources (id, doc_type, source_name, version, config, enabled, last_updated, total_docs, total_tokens, created_at, updated_at) FROM stdin;
@document_sources@
\.


--
-- Data for Name: documents; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.documents (id, doc_type, source_name, doc_path, content, metadata, embedding, token_count, created_at, updated_at) FROM stdin;
@documents@
\.


--
-- Name: idx_document_sources_enabled; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX idx_document_sources_enabled ON public.document_sources USING btree (enabled);


--
-- Name: idx_documents_created_at; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX idx_documents_created_at ON public.documents USING btree (created_at);


--
-- Name: idx_documents_doc_type; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX idx_documents_doc_type ON public.documents USING btree (doc_type);


--
-- Name: idx_documents_source_name; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX idx_documents_source_name ON public.documents USING btree (source_name);


--
-- Name: idx_documents_updated_at; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX idx_documents_updated_at ON public.documents USING btree (updated_at);


--
-- Name: document_sources update_document_sources_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER update_document_sources_updated_at BEFORE UPDATE ON public.document_sources FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();


--
-- Name: documents update_documents_updated_at; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER update_documents_updated_at BEFORE UPDATE ON public.documents FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();


--
-- PostgreSQL database dump complete
--

\unrestrict @token@

