"""What ends a command with one line and exit code 1."""


class CliError(Exception):
    """The command cannot do this. The message says what to do about it."""
