"""The one exception that a user is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """A mistake its user can mend: one line that says what is wrong, where, and how to mend it.

    The command line prints it without a traceback and exits with status 2; the dashboard shows it as a notice.
    """
