-- name: revoke_writes
-- Whatever was granted before, by an older schema or by a default.
revoke insert, update, delete, truncate, references, trigger
on all tables in schema public
from nhipmay_ingest

-- name: grant_reads
-- What arrives is compared with what is there.
grant select on all tables in schema public to nhipmay_ingest

-- name: grant_measurements
-- Raw data are added, never changed.
grant insert on measurement, text_measurement to nhipmay_ingest

-- name: grant_rollup_marks
-- Hours that have to be summed up again; only analytics takes them away.
grant insert, update on rollup_mark to nhipmay_ingest

-- name: grant_history
-- Old rows come by the day or by the half-year; see `store.delivery.history`.
grant execute on function nhipmay_chunks_of_history (boolean) to nhipmay_ingest

-- name: grant_delivery
-- What an edge has, said and was asked: one row per edge that follows it.
grant insert, update on delivery_lag, delivery_ledger, edge_status, tag to nhipmay_ingest

-- name: grant_rejections
-- Kept whole; later only that they were replayed.
grant insert, update (replayed_at) on rejection to nhipmay_ingest

-- name: grant_configurations
-- Pushed versions are kept; later only what became of them.
grant insert, update (state, said, settled_at) on edge_configuration to nhipmay_ingest

-- name: grant_dirty_hours
-- Hours that have to be computed again; only analytics takes them away.
grant insert, update on dirty_window to nhipmay_ingest

-- name: grant_master_data
-- Documents of an MES or ERP are inserted, corrected and withdrawn.
grant insert, update, delete
on energy_meter, holiday, import_mapping, inspection, lot, oee_target, order_run, planned_maintenance,
planned_run_time, product, production_order, quality_reason, routing_step, scrap_booking,
shift_break, shift_pattern, shift_rotation, stop_reason
to nhipmay_ingest

-- name: grant_trail
-- Events are added, never changed.
grant insert on master_data_event to nhipmay_ingest

-- name: grant_time_zone
-- Of a place only the zone of its calendar.
grant update (time_zone, time_zone_origin) on place to nhipmay_ingest

-- name: grant_poll
-- How far a table of another system has been read.
grant insert, update on foreign_poll to nhipmay_ingest
