"""The user whose queue this is, also where the system knows no such user: containers run under any user id."""

import os
import pwd


def user_entry(user_id: int) -> pwd.struct_passwd:
    """The user's entry in the user database; one made up from the id where there is none."""
    try:
        return pwd.getpwuid(user_id)
    except KeyError:
        return pwd.struct_passwd((str(user_id), "x", user_id, os.getgid(), "", "/", "/bin/sh"))
