"""What can go wrong here and is a person's to mend."""


class LocalError(Exception):
    """A complete explanation for a person; the command line prints it and exits with 1."""


class StoppedError(LocalError):
    """The program was stopped for good while somebody was starting it."""
