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

-- name: looking_ahead
-- Of hours of work units those whose hour before may be told differently by what they hold: a
-- reading of its last hour is judged by the next one, and that comes now or came from here.
select asked.work_unit_id, asked.hour
from unnest(%(units)s::integer[], %(hours)s::timestamptz[]) as asked (work_unit_id, hour)
where exists (
    select from counter_judgement j
    where
        j.work_unit_id = asked.work_unit_id and j.source_time < asked.hour
        and j.source_time >= asked.hour - interval '1 hour'
        and (j.next_time is null or j.next_time >= asked.hour)
)
