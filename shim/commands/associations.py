"""Who is charged for jobs: one user with one account below the root account, which is all the accounting there is."""

from dataclasses import dataclass

from shim.controller.queue import Queue
from shim.job.user import user_entry

ROOT = "root"
QOS = "normal"


@dataclass(frozen=True)
class Association:
    """The user of this controller and the account that jobs are charged to."""

    cluster: str
    account: str
    user: str
    user_id: int


def association(queue: Queue) -> Association:
    """The one association: the default account, or one called as the user is."""
    user = user_entry(queue.user_id).pw_name
    return Association(queue.config.cluster_name, queue.config.default_account or user, user, queue.user_id)
