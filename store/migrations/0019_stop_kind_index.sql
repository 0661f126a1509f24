-- Failures of many machines and a month are read from the index alone.

create index stop_of_kind on stop (stop_kind, work_unit_id, start_time) include (end_time);
