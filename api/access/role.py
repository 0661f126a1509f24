"""Roles, and what each of them may do at all; of whose data is another question (`principal`)."""

from enum import StrEnum


class Right(StrEnum):
    """What a route asks of whoever calls it."""

    OPEN = "open"
    """Nothing: nobody could sign in without it, or who calls proves otherwise who they are."""
    SELF = "self"
    """To be somebody: one's own account."""
    AGGREGATES = "aggregates"
    """Figures of sites."""
    FIGURES = "figures"
    """Figures and readings of machines."""
    OPERATE = "operate"
    """Stops of a machine and the reasons to choose from."""
    CLASSIFY = "classify"
    """Give stops their reasons."""
    MASTER_DATA = "master-data"
    """Write master data."""
    FLEET = "fleet"
    """How edges are and what they were told."""
    TABLETS = "tablets"
    """Enrol shared tablets, and end them."""
    PROGRAMME = "programme"
    """Records of the pilot programme, as far as they are theirs to see."""
    DECLARE = "declare"
    """Write drafts of records."""
    CONFIRM = "confirm"
    """Confirm records of an enterprise, and give or take back its consents."""
    REVIEW = "review"
    """Review records for the department, and release datasets."""
    APPROVE = "approve"
    """Close records for the department, and withdraw them."""
    PULL = "pull"
    """Released aggregates, by a program."""
    OPERATIONS = "operations"
    """Counters of the service itself."""


class Role(StrEnum):
    """What somebody is."""

    TECHNICIAN = "technician"
    ENGINEER = "engineer"
    OPERATOR = "operator"
    MANAGER = "manager"
    OFFICER = "officer"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


_MACHINES = {Right.SELF, Right.AGGREGATES, Right.FIGURES, Right.OPERATE}
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.TECHNICIAN: frozenset({*_MACHINES, Right.FLEET}),
    Role.ENGINEER: frozenset(
        {
            *(*_MACHINES, Right.FLEET, Right.CLASSIFY, Right.MASTER_DATA, Right.TABLETS),
            *(Right.PROGRAMME, Right.DECLARE),
        }
    ),
    Role.OPERATOR: frozenset({Right.SELF, Right.OPERATE, Right.CLASSIFY}),
    Role.MANAGER: frozenset(
        {
            *(*_MACHINES, Right.FLEET, Right.CLASSIFY, Right.MASTER_DATA, Right.TABLETS),
            *(Right.PROGRAMME, Right.DECLARE, Right.CONFIRM),
        }
    ),
    Role.OFFICER: frozenset(
        {
            *(Right.SELF, Right.AGGREGATES, Right.PROGRAMME),
            *(Right.DECLARE, Right.REVIEW, Right.PULL),
        }
    ),
    Role.APPROVER: frozenset(
        {Right.SELF, Right.AGGREGATES, Right.PROGRAMME, Right.APPROVE, Right.PULL}
    ),
    # Who keeps the platform need not see what the machines do.
    Role.ADMINISTRATOR: frozenset({Right.SELF, Right.OPERATIONS}),
    Role.SERVICE: frozenset(
        {*_MACHINES, Right.FLEET, Right.MASTER_DATA, Right.OPERATIONS, Right.PULL}
    ),
}
"""By role; a role that is not here may do nothing."""

AT_A_PLACE = frozenset({Right.OPERATE, Right.CLASSIFY})
"""What a shared tablet may do at its place."""

OF_ENTERPRISE = frozenset({Role.TECHNICIAN, Role.ENGINEER, Role.OPERATOR, Role.MANAGER})
OF_DEPARTMENT = frozenset({Role.OFFICER, Role.APPROVER, Role.ADMINISTRATOR})
OF_CONSULTANT = frozenset({Role.SERVICE})
ROLES_OF = {
    "enterprise": OF_ENTERPRISE | {Role.SERVICE},
    "department": OF_DEPARTMENT | {Role.SERVICE},
    "consultant": OF_CONSULTANT,
}
"""By kind of organisation: the roles that its people and systems can have."""
NEED_SECOND_FACTOR = OF_DEPARTMENT
"""Those who come from outside the enterprise, or keep the platform."""
DATA = frozenset(Right) - {Right.OPEN, Right.SELF, Right.OPERATIONS}
"""Rights that are worth something only over somebody's data."""
