-- Before-images that are not the version that their batch replaced, and replaced versions without an image.
select
    (select count(*) from {undo} where _operation = 'update')
    || ' images, ' ||
    (
        select count(*)
        from {undo} as image
        join sqlmig.batch as batch on batch.run_id = image._run_id and batch.number = image._batch
        join public.audit as replaced on replaced.xid = batch.xid and replaced.id = image.id
        where image._operation = 'update'
            and (image.name, image.amount, image.note) is not distinct from (replaced.name, replaced.amount, replaced.note)
    )
    || ' of ' ||
    (select count(*) from public.audit join sqlmig.batch using (xid))
