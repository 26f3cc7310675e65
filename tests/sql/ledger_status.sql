-- What a run in the middle of promotion has in the ledger, with figures that are easy to add up.
-- Once a process was at it for ten seconds, once for twenty, then one began to promote thirty seconds ago.
update sqlmig.run set state = 'checked', exit_code = null, finished_at = null, source_bytes = 5000, started_at = now() - interval '2 minutes';
delete from sqlmig.stint;
delete from sqlmig.batch;
delete from sqlmig.quarantine;
delete from sqlmig.phase;
update sqlmig.chunk set rows_staged = 40, rows_rejected = 3, stored_bytes = 4900, staged_at = now() - interval '100 seconds';
insert into sqlmig.batch (run_id, number, transform, target, source, first_row, last_row, counted, state, attempts, rows_inserted, rows_updated, rows_unchanged, rows_removed, elapsed_ms, finished_at)
select run.id, batch.*
from sqlmig.run, (values
    (1, 'things', 'public.things', 'public.things', 1, 10, true, 'done', 3, 4, 3, 2, 1, 10, now() - interval '100 seconds'),
    (2, 'things', 'public.things', 'public.things', 11, 20, true, 'done', 1, 10, 0, 0, 0, 60, now() - interval '10 seconds'),
    (3, 'things', 'public.things', 'public.things', 21, 30, true, 'done', 1, 10, 0, 0, 0, 700, now() - interval '5 seconds'),
    (4, 'things', 'public.things', 'public.things', 31, 40, true, 'pending', 2, 0, 0, 0, 0, null, null)
) as batch;
insert into sqlmig.embedding_request (run_id, provider, model, dimensions, texts, vectors, tokens, price, elapsed_ms, finished_at)
select run.id, 'somebody', 'some-model', 3, request.*
from sqlmig.run, (values (3, 3, 100, 2.0, 20, now() - interval '50 seconds'), (4, 4, 300, 2.0, 400, now() - interval '50 seconds')) as request;
insert into sqlmig.quarantine (run_id, source, row, check_name, code, reason)
select run.id, 'public.things', taken.*
from sqlmig.run, (values (41, 'one', 'X', 'no good'), (42, 'one', 'X', 'no good'), (43, 'two', 'X', 'no good')) as taken;
