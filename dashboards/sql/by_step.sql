-- {meaning}
-- Per hour up to four days, per day up to four months, per week beyond, always whole ones: a value
-- does not depend on where the range begins. What is not over yet says so in its name.
with steps as (
    select
        case
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '4 days' then 'hour'
            when $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '120 days' then 'day'
            else 'week'
        end as step
),
shown as (
    select
        date_trunc(step, b.hour, s.zone) as time, s.path, s.shown_vi, s.flow,
        {value} as value,
        max(b.slice_end)
            >= date_trunc(step, date_trunc(step, b.hour, s.zone) + ('1.5 ' || step)::interval, s.zone)
            as whole
    from base_sum b
    join place_shown s on s.place_id = b.work_unit_id
    cross join steps
    where
        (s.path = ${place:sqlstring} or starts_with(s.path, ${place:sqlstring} || '/'))
        and b.hour >= date_trunc(step, $__timeFrom()::timestamptz, s.zone)
        and b.hour < $__timeTo()
    group by step, date_trunc(step, b.hour, s.zone), s.zone, s.path, s.shown_vi, s.flow
)
select time, path, shown_vi || case when whole then '' else ' · chưa trọn' end as name, value
from shown
order by time, flow
limit 5000
