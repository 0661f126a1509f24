-- Anomalies of the last day that nobody has said a word about, by machine.
select s.shown_vi as name, s.path, count(e.event_id)::float8 as value
from place_shown s
join anomaly_model m on m.work_unit_id = s.place_id and m.status = 'live'
left join anomaly_event e
    on e.work_unit_id = s.place_id and not e.trial and e.start_time > now() - interval '1 day'
    and not exists (select from anomaly_remark r where r.event_id = e.event_id)
where s.level = 'work_unit'
group by s.flow, s.shown_vi, s.path
order by s.flow
