"""Users of this system: those who are named, and the one whose queue this is, who may be unknown in a container."""

import os
import pwd


def known_user_id(word: str) -> int:
    """The id of a user who is named, or whose number is given. Raises KeyError where the system knows no such user."""
    try:
        return (pwd.getpwuid(int(word)) if word.isdecimal() else pwd.getpwnam(word)).pw_uid
    except OverflowError:
        raise KeyError(word) from None


def user_entry(user_id: int) -> pwd.struct_passwd:
    """The user's entry in the user database; one made up from the id where there is none."""
    try:
        return pwd.getpwuid(user_id)
    except KeyError:
        return pwd.struct_passwd((str(user_id), "x", user_id, os.getgid(), "", "/", "/bin/sh"))
