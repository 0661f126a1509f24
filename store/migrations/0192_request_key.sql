-- Requests that their senders named, so that one that is sent again is not done again.
create table access.request_key (
    -- Who sent it: nobody is answered with what another was told.
    consumer text not null,
    -- SHA-256 of the name.
    key_hash bytea not null,
    -- SHA-256 of what was asked for: another request under the same name is refused.
    digest bytea not null,
    expires_at timestamptz not null,
    -- What was decided before it was done, such as the moment it holds from.
    decided jsonb,
    -- What it was answered; null while it is not.
    status integer,
    content_type text,
    content bytea,
    primary key (consumer, key_hash)
);

create index request_key_end on access.request_key (expires_at);
