"""What happens to people's keys, told to the floors above without knowing them.

Sent inside the transaction of the verb, so that a receiver that fails undoes it; `registry` writes the event log from
here. Arguments: `token` (an ApiToken, whose `team` may be None), `actor` (the User who did it).
"""

from django.dispatch import Signal

token_created = Signal()
token_revoked = Signal()
