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

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: measurements; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.measurements (
    id bigint NOT NULL,
    station text NOT NULL,
    kind text NOT NULL,
    value numeric(10,3),
    taken_at timestamp with time zone NOT NULL,
    note text
);


ALTER TABLE public.measurements OWNER TO postgres;

--
-- Data for Name: measurements; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.measurements (id, station, kind, value, taken_at, note) FROM stdin;
@measurements@
\.


--
-- Name: measurements measurements_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT measurements_pkey PRIMARY KEY (id);


--
-- Name: measurements_taken_at_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX measurements_taken_at_idx ON public.measurements USING btree (taken_at);


--
-- PostgreSQL database dump complete
--

\unrestrict @token@

