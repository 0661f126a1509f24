-- name: models
-- Models with the paths of their machines; null asks for all.
select
    m.model_id, m.work_unit_id, p.path as place, m.status, m.reason, m.tag_ids, m.step_ms,
    m.settings, m.train_from, m.train_to, m.trial_to, m.scored_until, m.final_until,
    m.rows_learned, m.progress, m.data_hash, m.false_per_day, m.created_at, m.created_by,
    m.approved_at, m.approved_by, m.retired_at, m.because
from anomaly_model m
join place p on p.place_id = m.work_unit_id
where
    (%(statuses)s::text[] is null or m.status = any(%(statuses)s::text[]))
    and (%(units)s::integer[] is null or m.work_unit_id = any(%(units)s::integer[]))
order by m.model_id

-- name: foreign_tags
-- How many of these are numbers of the machine.
select count(*) from tag
where work_unit_id = %(unit)s and value_type = 'number' and tag_id = any(%(tags)s::integer[])

-- name: refuse_prepared
-- A machine has one model in preparation.
update anomaly_model set status = 'refused', retired_at = %(now)s
where work_unit_id = %(unit)s and status in ('learning', 'ready')

-- name: propose
-- To be learned by the service.
insert into anomaly_model (
    work_unit_id, status, reason, tag_ids, step_ms, settings, train_from, train_to, trial_to,
    created_at, created_by
)
values (
    %(unit)s, 'learning', %(reason)s, %(tags)s::integer[], %(step_ms)s, %(settings)s,
    %(train_from)s, %(train_to)s, %(trial_to)s, %(now)s, %(who)s
)
returning model_id

-- name: propose_once
-- Asked for by the service: what a person prepares goes first, and nothing is asked for twice.
insert into anomaly_model (
    work_unit_id, status, reason, because, tag_ids, step_ms, settings, train_from, train_to,
    trial_to, created_at, created_by
)
select
    %(unit)s, 'learning', %(reason)s, %(because)s, %(tags)s::integer[], %(step_ms)s, %(settings)s,
    %(train_from)s, %(train_to)s, %(trial_to)s, %(now)s, %(who)s
where not exists (
    select from anomaly_model where work_unit_id = %(unit)s and status in ('learning', 'ready')
)
on conflict do nothing
returning model_id

-- name: approvable
select model_id from anomaly_model
where model_id = %(model)s and status in ('ready', 'retired', 'live')
for update

-- name: retire_live
-- The one that is live makes room.
update anomaly_model set status = 'retired', retired_at = %(now)s
where status = 'live' and model_id <> %(model)s
    and work_unit_id = (select work_unit_id from anomaly_model where model_id = %(model)s)

-- name: approve
-- One that was live before goes on from now: what happened meanwhile was another's. Which products
-- it knew is kept: one that it learns later was approved by nobody.
update anomaly_model set
    status = 'live',
    approved_at = %(now)s,
    approved_by = %(who)s,
    retired_at = null,
    settings = settings || jsonb_build_object('products', (
        select coalesce(jsonb_agg(regime.key), '[]')
        from jsonb_each(progress -> 'regimes') as regime
        where regime.value = '0'
    )) || case
        when status = 'retired' then jsonb_build_object('taken_back', %(now)s::timestamptz)
        else '{}'
    end
where model_id = %(model)s and status in ('ready', 'retired', 'live')

-- name: as_approved
-- From now, as one that is taken back: what it judged before stands.
update anomaly_model set
    settings = settings || jsonb_build_object(
        'taken_back', %(now)s::timestamptz, 'as_approved', %(now)s::timestamptz
    )
where model_id = %(model)s and status = 'live'

-- name: refuse
update anomaly_model set status = 'refused', retired_at = %(now)s
where model_id = %(model)s and status in ('learning', 'ready')

-- name: advance
-- A learning model that is through its trial waits for whoever approves it; the end of the trial
-- need not be one of a step.
update anomaly_model set
    scored_until = %(scored_until)s,
    final_until = %(final_until)s,
    rows_learned = %(rows_learned)s,
    progress = %(progress)s,
    data_hash = coalesce(%(data_hash)s::text, data_hash),
    false_per_day = %(false_per_day)s,
    status = case
        when
            status = 'learning'
            and %(scored_until)s::timestamptz + step_ms * interval '1 millisecond' > trial_to
            then 'ready'
        else status
    end
where model_id = %(model)s

-- name: try_own
-- The first number only has to be ours; held until the session ends or gives it back.
select pg_try_advisory_lock(7461010, %(model)s)

-- name: disown
select pg_advisory_unlock(7461010, %(model)s)

-- name: owners
-- Sessions that own models of this database.
select count(distinct pid) from pg_locks
where locktype = 'advisory' and classid = 7461010 and granted
    and database = (select oid from pg_database where datname = current_database())

-- name: save_state
insert into anomaly_state (model_id, moment, kind, version, content)
values (%(model)s, %(moment)s, %(kind)s, %(version)s, %(content)s)
on conflict (model_id, kind, moment) do update set
    version = excluded.version, content = excluded.content

-- name: load_state
-- Checkpoints first where both are of one moment: they are the same then.
select moment, content from anomaly_state
where model_id = %(model)s and version = %(version)s and kind <> 'approved'
    and (%(until)s::timestamptz is null or moment <= %(until)s::timestamptz)
order by moment desc, kind desc
limit 1

-- name: approvals
select moment from anomaly_state where model_id = %(model)s and kind = 'approved' order by moment

-- name: load_approved
select moment, content from anomaly_state
where model_id = %(model)s and kind = 'approved' and moment = %(moment)s
    and version = %(version)s

-- name: forget_states
delete from anomaly_state
where model_id = %(model)s and kind = 'checkpoint' and moment > %(after)s

-- name: thin_states
delete from anomaly_state
where model_id = %(model)s and kind = 'checkpoint' and moment <> all(%(keep)s::timestamptz[])

-- name: state_moments
select moment from anomaly_state
where model_id = %(model)s and kind = 'checkpoint'
order by moment
