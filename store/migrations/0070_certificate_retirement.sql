-- A renewed certificate ends: from this moment on it is not good any more. While it is null, the
-- certificate has not been renewed.
alter table edge_certificate add column retires_at timestamptz;

-- `reused`: somebody asked for a further renewal with a certificate that had been renewed already.
alter table identity_event drop constraint identity_event_action_check;
alter table identity_event add constraint identity_event_action_check
check (action in ('invited', 'enrolled', 'renewed', 'revoked', 'reused'));
