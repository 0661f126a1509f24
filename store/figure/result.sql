-- name: open_results
-- Results not final yet of windows that ended by the moment up to which a place's data are
-- complete.
select result.place_id, result.kind, result.window_start, result.window_end
from unnest(%(places)s::integer[], %(settled)s::timestamptz[]) as asked (place_id, settled)
join oee_result result
    on result.place_id = asked.place_id and not result.final
    and result.window_end <= asked.settled
order by result.window_start
limit %(limit)s

-- name: final_results
-- Figures published as final, before they are written again.
select
    place_id, kind, window_start, availability, effectiveness, quality_ratio, oee,
    produced_quantity, good_quantity, pbt_ms, apt_ms, inspected_parts, good_at_first_parts,
    policy_version, formula_version
from oee_result
where final and (place_id, kind, window_start) in (
    select * from unnest(%(places)s::integer[], %(kinds)s::text[], %(starts)s::timestamptz[])
)

-- part: shown
r.place_id, r.kind, r.window_start, r.window_end, r.business_date, r.shift, r.availability,
r.effectiveness, r.quality_ratio, r.oee, r.coverage, r.availability_low, r.availability_high,
r.missing, r.faults, r.pbt_ms, r.apt_ms, r.aust_ms, r.adet_ms, r.adot_ms, r.unknown_ms,
r.produced_quantity, r.good_quantity, r.scrap_quantity, r.rework_quantity, r.failure_events,
r.energy_kwh, r.run_time_coverage, r.policy_version, r.formula_version

-- part: past
oee_result_past (
    place_id, kind, window_start, window_end, business_date, shift, availability, effectiveness,
    quality_ratio, oee, coverage, availability_low, availability_high, missing, faults, pbt_ms,
    apt_ms, aust_ms, adet_ms, adot_ms, unknown_ms, produced_quantity, good_quantity,
    scrap_quantity, rework_quantity, failure_events, energy_kwh, run_time_coverage, policy_version,
    formula_version, as_of, final_since, shown_until
)

-- name: keep_past
-- What a final result says before it is written again, if it will say something else.
insert into {past}
select
    {shown},
    r.as_of, coalesce(r.final_since, r.as_of), %(as_of)s
from oee_result r
where
    r.place_id = %(place_id)s and r.kind = %(kind)s and r.window_start = %(window_start)s and r.final
    and (
        r.window_end, r.business_date, r.shift, r.availability, r.effectiveness, r.quality_ratio,
        r.oee, r.coverage, r.availability_low, r.availability_high, r.missing, r.faults, r.pbt_ms,
        r.apt_ms, r.aust_ms, r.adet_ms, r.adot_ms, r.unknown_ms, r.produced_quantity,
        r.good_quantity, r.scrap_quantity, r.rework_quantity, r.failure_events, r.energy_kwh,
        r.run_time_coverage, r.policy_version, r.formula_version
    ) is distinct from (
        %(window_end)s, %(business_date)s, %(shift)s, %(availability)s, %(effectiveness)s,
        %(quality_ratio)s, %(oee)s, %(coverage)s, %(availability_low)s, %(availability_high)s,
        %(missing)s::jsonb, %(faults)s::text[], %(pbt_ms)s, %(apt_ms)s, %(aust_ms)s, %(adet_ms)s,
        %(adot_ms)s, %(unknown_ms)s, %(produced_quantity)s, %(good_quantity)s, %(scrap_quantity)s,
        %(rework_quantity)s, %(failure_events)s, %(energy_kwh)s, %(run_time_coverage)s,
        %(policy_version)s, %(formula_version)s
    )

-- name: upsert_result
-- Since when it is final is kept; of what was so before that was written down, its last computation.
insert into oee_result (
    place_id, kind, window_start, window_end, business_date, shift, availability, effectiveness,
    quality_ratio, oee, coverage, availability_low, availability_high, missing, faults, pbt_ms,
    apt_ms, aust_ms, adet_ms, adot_ms, unknown_ms, produced_quantity, good_quantity,
    scrap_quantity, rework_quantity, failure_events, energy_kwh, inspected_parts,
    good_at_first_parts, run_time_coverage, policy_version, formula_version, as_of, final,
    final_since
) values (
    %(place_id)s, %(kind)s, %(window_start)s, %(window_end)s, %(business_date)s, %(shift)s,
    %(availability)s, %(effectiveness)s, %(quality_ratio)s, %(oee)s, %(coverage)s,
    %(availability_low)s, %(availability_high)s, %(missing)s, %(faults)s, %(pbt_ms)s,
    %(apt_ms)s, %(aust_ms)s, %(adet_ms)s, %(adot_ms)s, %(unknown_ms)s, %(produced_quantity)s,
    %(good_quantity)s, %(scrap_quantity)s, %(rework_quantity)s, %(failure_events)s,
    %(energy_kwh)s, %(inspected_parts)s, %(good_at_first_parts)s, %(run_time_coverage)s,
    %(policy_version)s, %(formula_version)s, %(as_of)s, %(final)s,
    case when %(final)s then %(as_of)s end
)
on conflict (place_id, kind, window_start) do update set
    window_end = excluded.window_end, business_date = excluded.business_date,
    shift = excluded.shift, availability = excluded.availability,
    effectiveness = excluded.effectiveness, quality_ratio = excluded.quality_ratio,
    oee = excluded.oee, coverage = excluded.coverage,
    availability_low = excluded.availability_low, availability_high = excluded.availability_high,
    missing = excluded.missing, faults = excluded.faults, pbt_ms = excluded.pbt_ms,
    apt_ms = excluded.apt_ms, aust_ms = excluded.aust_ms, adet_ms = excluded.adet_ms,
    adot_ms = excluded.adot_ms, unknown_ms = excluded.unknown_ms,
    produced_quantity = excluded.produced_quantity, good_quantity = excluded.good_quantity,
    scrap_quantity = excluded.scrap_quantity, rework_quantity = excluded.rework_quantity,
    failure_events = excluded.failure_events, energy_kwh = excluded.energy_kwh,
    inspected_parts = excluded.inspected_parts, good_at_first_parts = excluded.good_at_first_parts,
    run_time_coverage = excluded.run_time_coverage,
    policy_version = excluded.policy_version, formula_version = excluded.formula_version,
    as_of = excluded.as_of,
    -- A figure once final stays so: a change is a restatement, not a return to provisional.
    final = excluded.final or oee_result.final,
    final_since = coalesce(
        oee_result.final_since, case when oee_result.final then oee_result.as_of end,
        excluded.final_since
    )

-- name: delete_replaced_shifts
-- Results of shifts that the calendar no longer has; final ones leave a trail.
with gone as (
    delete from oee_result
    where kind = 'shift' and place_id = any(%(places)s) and window_start < %(end)s
        and window_end > %(start)s and window_start <> all(%(kept)s::timestamptz[])
    returning *
),
past as (
    insert into {past}
    select
        {shown},
        r.as_of, coalesce(r.final_since, r.as_of), %(now)s
    from gone r
    where r.final
)
insert into oee_restatement (
    place_id, kind, window_start, figure, old_value, new_value, cause, restated_at
)
select place_id, kind, window_start, 'oee', oee, null, 'calendar', %(now)s
from gone where final

-- name: insert_restatement
insert into oee_restatement (
    place_id, kind, window_start, figure, old_value, new_value, cause, restated_at
) values (
    %(place_id)s, %(kind)s, %(window_start)s, %(figure)s, %(old_value)s, %(new_value)s, %(cause)s,
    %(restated_at)s
)
