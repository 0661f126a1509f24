-- name: limits
select
    l.limit_id, t.work_unit_id, p.path as place, l.tag_id, t.name as tag, t.unit,
    coalesce(site.time_zone, 'UTC') as zone, l.side, l.value, l.deadband, l.on_delay_s,
    l.off_delay_s, l.priority, l.windows, l.shelved_until, l.shelved_by, l.created_at, l.created_by,
    l.seen_until, l.beyond_since, l.back_since, l.event_id
from anomaly_limit l
join tag t on t.tag_id = l.tag_id
join place p on p.place_id = t.work_unit_id
join place site on site.place_id = t.site_id
where l.removed_at is null
    and (%(units)s::integer[] is null or t.work_unit_id = any(%(units)s::integer[]))
order by l.limit_id

-- name: add_limit
insert into anomaly_limit (
    tag_id, side, value, deadband, on_delay_s, off_delay_s, priority, windows, created_at,
    created_by
)
select
    tag_id, %(side)s, %(value)s, %(deadband)s, %(on_delay_s)s, %(off_delay_s)s, %(priority)s,
    %(windows)s, %(now)s, %(who)s
from tag
where work_unit_id = %(unit)s and name = %(tag)s and value_type = 'number'
returning limit_id

-- name: remove_limit
update anomaly_limit set removed_at = %(now)s
where limit_id = %(limit)s and removed_at is null
    and tag_id in (select tag_id from tag where work_unit_id = %(unit)s)

-- name: shelve_limit
update anomaly_limit set
    shelved_until = %(until)s, shelved_by = case when %(until)s::timestamptz is null then null else %(who)s end
where limit_id = %(limit)s and removed_at is null
    and tag_id in (select tag_id from tag where work_unit_id = %(unit)s)

-- name: stand
update anomaly_limit set
    seen_until = %(seen_until)s, beyond_since = %(beyond_since)s, back_since = %(back_since)s,
    event_id = %(event)s
where limit_id = %(limit)s

-- name: add_channel
insert into anomaly_channel (
    site_id, kind, target, secret, least_severity, quiet_from, quiet_to, escalate_after_s,
    repeat_after_s, created_at, created_by
)
values (
    %(site)s, %(kind)s, %(target)s, %(secret)s, %(least)s, %(quiet_from)s, %(quiet_to)s,
    %(escalate)s, %(repeat)s, %(now)s, %(who)s
)
returning channel_id

-- name: remove_channel
update anomaly_channel set removed_at = %(now)s
where channel_id = %(channel)s and site_id = %(site)s and removed_at is null

-- name: channels
select
    channel_id, site_id, kind, target, least_severity, quiet_from, quiet_to, escalate_after_s,
    repeat_after_s
from anomaly_channel
where site_id = %(site)s and removed_at is null
order by channel_id

-- name: write_messages
-- An event is told when it opens and when it closes; to those who are told only what nobody looks
-- at, when that has lasted. What was told already is not written again.
insert into anomaly_message (channel_id, event_id, step, due_at)
select c.channel_id, e.event_id, step.name, step.due_at
from anomaly_event e
join place unit on unit.place_id = e.work_unit_id
join place line on line.place_id = unit.parent_id
join place area on area.place_id = line.parent_id
join anomaly_channel c on c.site_id = area.parent_id and c.removed_at is null
cross join lateral (
    select 'opened' as name, %(now)s::timestamptz as due_at
    where c.escalate_after_s is null
    union all
    select 'escalated', e.opened_at + c.escalate_after_s * interval '1 second'
    where c.escalate_after_s is not null
    union all
    select 'closed', %(now)s::timestamptz
    where e.end_time is not null and exists (
        select from anomaly_message told
        where told.channel_id = c.channel_id and told.event_id = e.event_id
            and told.step <> 'closed' and told.sent_at is not null
    )
) step
where
    not e.trial and e.opened_at >= greatest(%(since)s::timestamptz, c.created_at)
    and (e.severity >= c.least_severity or e.kind in ('silence', 'limit'))
on conflict (channel_id, event_id, step) do nothing

-- name: letters
-- What is due, with the event as it is now.
select
    m.message_id, m.step, m.attempts, c.kind, c.target, c.secret, c.quiet_from, c.quiet_to,
    coalesce(site.time_zone, 'UTC') as zone, c.repeat_after_s,
    (
        select max(other.sent_at) from anomaly_message other
        join anomaly_event same using (event_id)
        where other.channel_id = c.channel_id and same.work_unit_id = e.work_unit_id
            and other.step = m.step and other.message_id <> m.message_id
    ) as told_before,
    coalesce(r.verdict, 'reopened') <> 'reopened' as acknowledged, r.snoozed_until,
    exists (
        select from planned_maintenance planned
        join place meant on meant.place_id = planned.place_id
        where planned.start_time <= %(now)s and planned.end_time > %(now)s
            and (meant.path = unit.path or starts_with(unit.path, meant.path || '/'))
    ) as maintained,
    jsonb_build_object(
        'event', e.event_id, 'place', unit.path, 'name_vi', unit.name_vi, 'kind', e.kind,
        'tag', own.name, 'start', e.start_time, 'opened', e.opened_at, 'end', e.end_time,
        'severity', e.severity, 'context', e.context,
        'causes', (
            select coalesce(jsonb_agg(
                cause.value || jsonb_build_object('name', t.name, 'unit', t.unit)
            ), '[]')
            from jsonb_array_elements(e.causes) as cause (value)
            left join tag t on t.tag_id = (cause.value ->> 'tag_id')::integer
        )
    ) as event
from anomaly_message m
join anomaly_channel c on c.channel_id = m.channel_id
join anomaly_event e on e.event_id = m.event_id
join place unit on unit.place_id = e.work_unit_id
join place site on site.place_id = c.site_id
left join tag own on own.tag_id = e.tag_id
left join lateral (
    select verdict, snoozed_until from anomaly_remark
    where event_id = e.event_id
    order by remark_id desc
    limit 1
) r on true
where m.sent_at is null and m.dropped is null and m.due_at <= %(now)s
order by m.due_at, m.message_id
limit %(limit)s
for update of m skip locked

-- name: settle
update anomaly_message set
    sent_at = %(sent_at)s,
    dropped = %(dropped)s,
    due_at = coalesce(%(due_at)s::timestamptz, due_at),
    attempts = attempts + case when %(error)s::text is null then 0 else 1 end,
    last_error = %(error)s
where message_id = %(message)s

-- name: flood
-- How many alarms, the most in ten minutes, and how many spans of ten minutes had more than ten.
with span as (
    select date_bin('10 minutes', opened_at, timestamptz 'epoch') as span, count(*) as alarms
    from anomaly_event
    where work_unit_id = any(%(units)s::integer[]) and not trial
        and opened_at >= %(start)s and opened_at < %(end)s
    group by 1
)
select
    coalesce(sum(alarms), 0)::bigint, coalesce(max(alarms), 0)::bigint,
    count(*) filter (where alarms > 10)
from span

-- name: worst
select p.path, t.name, e.kind, count(*)
from anomaly_event e
join place p on p.place_id = e.work_unit_id
left join tag t on t.tag_id = e.tag_id
where e.work_unit_id = any(%(units)s::integer[]) and not e.trial
    and e.opened_at >= %(start)s and e.opened_at < %(end)s
group by 1, 2, 3
order by count(*) desc, 1, 2, 3
limit 10
