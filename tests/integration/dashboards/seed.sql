-- A line of two machines in the hour from 06:00; cnc-1 is not heard of for a quarter of it.

insert into place (level, path, name_vi, name_en)
values ('enterprise', 'co-khi-mau', 'Cơ khí mẫu', 'Sample mechanics');
insert into place (parent_id, level, path, name_vi, name_en, time_zone)
select place_id, 'site', 'co-khi-mau/bien-hoa', 'Biên Hòa', 'Bien Hoa', 'Asia/Ho_Chi_Minh'
from place where path = 'co-khi-mau';
insert into place (parent_id, level, path, name_vi, name_en)
select place_id, 'area', 'co-khi-mau/bien-hoa/gia-cong', 'Gia công', 'Machining'
from place where path = 'co-khi-mau/bien-hoa';
insert into place (parent_id, level, path, name_vi, name_en, line_kind)
select place_id, 'work_center', path || '/day-chuyen-1', 'Dây chuyền 1', 'Line 1', 'serial'
from place where level = 'area';
insert into place (parent_id, level, path, name_vi, name_en, position)
select place_id, 'work_unit', path || '/' || u.code, u.name, u.name, u.position
from place, (values ('cua-1', 'Máy cưa', 1), ('cnc-1', 'Máy tiện', 2)) as u(code, name, position)
where level = 'work_center';

insert into state_interval (work_unit_id, start_time, end_time, element, state, stop_kind)
select
    place_id, timestamptz '2026-03-02 06:00Z' + s.first, timestamptz '2026-03-02 06:00Z' + s.last,
    s.element, s.state, s.kind
from place, (values
    (interval '0', interval '30 min', 'production', 'EXECUTE', null),
    (interval '30 min', interval '45 min', 'delay', 'ABORTED', 'breakdown'),
    (interval '45 min', interval '60 min', 'unknown', null, null)
) as s(first, last, element, state, kind)
where path like '%/cnc-1';

insert into base_sum (
    work_unit_id, slice_start, slice_end, hour, calendar_ms, pot_ms, pbt_ms, apt_ms, aust_ms,
    adet_ms, adot_ms, unknown_ms, unscheduled_production_ms, produced_quantity, good_quantity,
    scrap_quantity, failure_events, policy_version, formula_version, as_of
)
select
    place_id, timestamptz '2026-03-02 06:00Z' + s.first, timestamptz '2026-03-02 06:00Z' + s.last,
    '2026-03-02 06:00Z', s.ms, s.ms, s.ms, s.apt, 0, s.adet, 0, s.unknown, 0, s.good + s.scrap,
    s.good, s.scrap, 0, 1, '1', '2026-03-02 07:00Z'
from place, (values
    (interval '0', interval '30 min', 1800000, 1800000, 0, 0, 40, 1),
    (interval '30 min', interval '60 min', 1800000, 0, 900000, 900000, 2, null)
) as s(first, last, ms, apt, adet, unknown, good, scrap)
where path like '%/cnc-1';

insert into oee_result (
    place_id, kind, window_start, window_end, business_date, shift, availability, effectiveness,
    quality_ratio, oee, coverage, availability_low, availability_high, missing, policy_version,
    formula_version, as_of, final, faults
)
select
    place_id, 'shift', '2026-03-02 00:00Z', '2026-03-02 08:00Z', '2026-03-02', 'ca-1', 0.5, 0.8,
    null, null, 0.75, 0.5, 0.75, '{"quality_ratio": "nothing_produced"}', 1, '1',
    '2026-03-02 08:00Z', true, array['machine_silent:' || path]
from place where path like '%/cnc-1' or level in ('work_center', 'site');

insert into edge (site_id, code)
select place_id, e.code from place, (values ('edge-1'), ('edge-2')) as e(code)
where level = 'site';
insert into delivery_ledger (edge_id, epoch, committed, dropped, issued_id, rejected_count)
select edge_id, l.epoch, l.committed::int8multirange, l.dropped::int8multirange, l.issued, l.rejected
from edge, (values
    ('old', '{[1,101)}', '{}', 100, 0),
    ('new', '{[1,41),[51,61)}', '{[41,46)}', 60, 3)
) as l(epoch, committed, dropped, issued, rejected)
where code = 'edge-1';
insert into edge_status (
    edge_id, online, epoch, reported_at, issued_id, pending, oldest_pending_time,
    buffer_hours_left, clock_offset_ms, unreachable
)
select
    edge_id, true, 'new', '2026-03-02 07:00Z', 70, 20, '2026-03-02 06:59:30Z', 71.5, 12.0,
    '{cnc-1/state: Bad}'
from edge where code = 'edge-1';
insert into rejection (received_time, topic, edge_id, tag_name, reason, detail, raw)
select
    r.at, 'nm/v1/co-khi-mau/bien-hoa/edge-1/data', edge_id, 'cnc-1/vibration', r.reason,
    'too high', ''
from edge, (values
    (timestamptz '2026-03-02 06:10Z', 'out_of_range'),
    (timestamptz '2026-03-02 06:50Z', 'out_of_range'),
    (timestamptz '2026-03-02 05:50Z', 'wrong_type'),
    (timestamptz '2026-03-01 06:10Z', 'wrong_type')
) as r(at, reason)
where code = 'edge-1';
