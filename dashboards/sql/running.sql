-- Figures of the window that runs, so far, and until when they are known; of the newest whole one
-- its times, and whether it may still change.
select
    running.oee, running.good_quantity as good, running.scrap_quantity as scrap, running.coverage,
    running.as_of, whole.window_start as whole_start, whole.window_end as whole_end,
    whole.final as whole_final
from place_shown s
left join lateral (
    select r.*
    from oee_result r
    where r.place_id = s.place_id and r.kind = ${kind:sqlstring}
        and r.window_start < $__timeTo() and r.as_of < r.window_end
    order by r.window_start desc
    limit 1
) running on true
left join lateral (
    select r.*
    from oee_result r
    where r.place_id = s.place_id and r.kind = ${kind:sqlstring}
        and r.window_end <= $__timeTo() and r.as_of >= r.window_end
    order by r.window_start desc
    limit 1
) whole on true
where s.path = ${place:sqlstring}
