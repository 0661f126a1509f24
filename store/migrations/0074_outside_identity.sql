-- Who an account is at a provider of identities (OpenID Connect): taken down at their first sign-in
-- there, and from then on nobody else there is this account.

create table access.outside_identity (
    issuer text not null,
    subject text not null,
    account_id integer not null references access.account,
    since timestamptz not null,
    primary key (issuer, subject),
    unique (issuer, account_id)
);
