"""Text that was folded for the way (RFC 3676, format=flowed), as its writer saw it."""

from collections.abc import Callable


def unflowed(text: str, parameter: Callable[[str], object]) -> str:
    """The text with its soft line breaks taken back, where its part says that it is flowed.

    parameter: gives a parameter of the part's content type
    """
    if str(parameter("format") or "").lower() != "flowed":
        return text
    keeps_space = str(parameter("delsp") or "").lower() != "yes"
    lines: list[str] = []
    depth_before = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        if depth == depth_before and _flows_on(lines[-1]) and content.rstrip() != "--":
            lines[-1] = (lines[-1] if keeps_space else lines[-1][:-1]) + content
        else:
            lines.append(f"{'>' * depth}{' ' if depth else ''}{content}")
        depth_before = depth
    return "\n".join(lines)


def _flows_on(line: str) -> bool:
    """Whether a line goes on in the next one; the mark of a signature ends in a space and does not."""
    return line.endswith(" ") and line.lstrip(">").strip() != "--"
