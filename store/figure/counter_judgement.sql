-- name: delete_judgements
delete from counter_judgement
where work_unit_id = %(unit)s and source_time >= %(start)s and source_time < %(end)s

-- name: insert_judgements
insert into counter_judgement (
    work_unit_id, source_time, tag_id, event, level, shown, counted, doubt, next_time
)
select %(unit)s, each.*
from unnest(
    %(source_time)s::timestamptz[], %(tag_id)s::integer[], %(event)s::text[], %(level)s::float8[],
    %(shown)s::float8[], %(counted)s::float8[], %(doubt)s::float8[], %(next_time)s::timestamptz[]
) as each

-- name: verdicts
-- What holds of the readings of tags, as people said it last.
select tag_id, source_time, verdict
from (
    select distinct on (tag_id, source_time) tag_id, source_time, verdict
    from counter_verdict
    where tag_id = any(%(tags)s)
    order by tag_id, source_time, said_at desc, verdict_id desc
) said
where verdict <> 'rules'

-- name: judged_tag
-- The tag of a reading that was judged on a machine, by the name of the tag.
select tag.tag_id
from counter_judgement j
join tag using (tag_id)
where j.work_unit_id = %(unit)s and tag.name = %(tag)s and j.source_time = %(moment)s

-- name: insert_verdict
insert into counter_verdict (tag_id, source_time, verdict, comment, role, client_id, said_at)
values (%(tag_id)s, %(moment)s, %(verdict)s, %(comment)s, %(role)s, %(client_id)s, %(said_at)s)
on conflict (client_id) do nothing
returning verdict_id

-- name: mark_judged_dirty
-- The hour of the reading at the tag's own machine; those that share it follow.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
select
    work_unit_id, date_bin('1 hour', %(moment)s, timestamptz '1970-01-01 00:00:00+00'), %(said_at)s,
    'correction'
from tag where tag_id = %(tag_id)s
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause
