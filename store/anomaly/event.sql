-- name: write
-- Found again, an event replaces what was written of it.
insert into anomaly_event (
    event_id, work_unit_id, model_id, kind, tag_id, start_time, opened_at, end_time, peak,
    severity, relearned, trial, causes, context
)
values (
    %(event_id)s, %(unit)s, %(model)s, %(kind)s, %(tag)s, %(start_time)s, %(opened_at)s,
    %(end_time)s, %(peak)s, %(severity)s, %(relearned)s, %(trial)s, %(causes)s, %(context)s
)
on conflict (event_id) do update set
    opened_at = excluded.opened_at,
    end_time = excluded.end_time,
    peak = excluded.peak,
    severity = excluded.severity,
    relearned = excluded.relearned,
    causes = excluded.causes,
    context = excluded.context

-- name: forget
delete from anomaly_event where model_id = %(model)s and opened_at > %(after)s

-- name: told
-- Events with the last word on each; causes with the names of their tags.
select
    e.event_id, e.work_unit_id, p.path as place, e.model_id, e.kind, e.tag_id,
    own.name as tag, own.unit as tag_unit,
    e.start_time, e.opened_at, e.end_time, e.peak, e.severity, e.relearned, e.trial,
    coalesce((
        select jsonb_agg(
            c.value || jsonb_build_object('name', t.name, 'unit', t.unit) order by c.position
        )
        from jsonb_array_elements(e.causes) with ordinality as c (value, position)
        left join tag t on t.tag_id = (c.value ->> 'tag_id')::integer
    ), '[]') as causes,
    e.context, m.model_id is null or coalesce(e.opened_at <= m.final_until, false) as final,
    nullif(r.verdict, 'reopened') as verdict, r.snoozed_until, nullif(r.cause, '') as cause,
    r.stop_start, r.said_at, r.said_by
from anomaly_event e
join place p on p.place_id = e.work_unit_id
left join tag own on own.tag_id = e.tag_id
left join anomaly_model m on m.model_id = e.model_id
left join lateral (
    select verdict, snoozed_until, cause, stop_start, said_at, said_by
    from anomaly_remark
    where event_id = e.event_id
    order by remark_id desc
    limit 1
) r on true
where
    e.work_unit_id = any(%(units)s::integer[])
    and e.start_time < %(end)s and coalesce(e.end_time, 'infinity') >= %(start)s
    and (%(trial)s::boolean is null or e.trial = %(trial)s::boolean)
    and (
        not %(open_only)s::boolean
        or coalesce(r.verdict, 'reopened') in ('reopened', 'acknowledged', 'snoozed')
    )
    and (%(event)s::text is null or e.event_id = %(event)s::text)
    and (
        e.start_time < %(before)s or (e.start_time = %(before)s and e.event_id > %(behind)s::text)
    )
order by e.start_time desc, e.event_id
limit %(limit)s

-- name: remark
-- With the event as it is now: late data may change it.
insert into anomaly_remark (
    client_id, event_id, work_unit_id, model_id, span_start, span_end, verdict, snoozed_until,
    cause, stop_start, said_at, said_by
)
select
    %(client_id)s, event_id, work_unit_id, case when kind = 'model' then model_id end, start_time,
    coalesce(end_time, greatest(opened_at, start_time)), %(verdict)s, %(snoozed_until)s, %(cause)s,
    %(stop_start)s, %(said_at)s, %(said_by)s
from anomaly_event
where event_id = %(event)s
on conflict (client_id) do nothing
returning remark_id

-- name: known_remark
select remark_id from anomaly_remark where client_id = %(client_id)s

-- name: lessons
-- Where the last word on an event is that it was none. One that was learned stays learned: taking
-- the word back makes no model forget, a new one does.
select r.remark_id, r.span_start as start_time, r.span_end as end_time, r.learned_from
from anomaly_remark r
where r.model_id = %(model)s and r.verdict = 'not_anomaly'
    and (
        r.learned_from is not null
        or not exists (
            select from anomaly_remark later
            where later.event_id = r.event_id and later.remark_id > r.remark_id
        )
    )
order by r.remark_id

-- name: models_with_lessons
select distinct model_id from anomaly_remark
where verdict = 'not_anomaly' and model_id is not null

-- name: mark_learned
update anomaly_remark set learned_from = %(moment)s
where remark_id = %(remark)s and learned_from is null

-- name: precision
-- By events of a live model that somebody judged; the last word counts.
select
    p.place_id as work_unit_id, p.path as place, count(*) as events,
    count(*) filter (where r.verdict = 'confirmed') as confirmed,
    count(*) filter (where r.verdict = 'not_anomaly') as false,
    percentile_cont(0.5) within group (
        order by extract(epoch from r.stop_start - e.opened_at)
    ) filter (where r.verdict = 'confirmed' and r.stop_start >= e.opened_at) as lead_median_s
from anomaly_event e
join place p on p.place_id = e.work_unit_id
left join lateral (
    select verdict, stop_start from anomaly_remark
    where event_id = e.event_id
    order by remark_id desc
    limit 1
) r on true
where e.work_unit_id = any(%(units)s::integer[]) and e.kind in ('model', 'wear') and not e.trial
    and e.start_time >= %(start)s and e.start_time < %(end)s
group by p.place_id, p.path
order by p.path

-- name: open_events
select event_id, work_unit_id, tag_id, context
from anomaly_event
where kind = %(kind)s and end_time is null

-- name: end_all
update anomaly_event set end_time = greatest(%(end_time)s::timestamptz, start_time)
where model_id = %(model)s and end_time is null

-- name: end
update anomaly_event set end_time = %(end_time)s where event_id = %(event)s
