"""What a workspace's file would change in each service; and changing it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ValidationError

from deploy.cli.api import Refused, Service
from deploy.cli.errors import CliError
from deploy.cli.misfits import in_words
from deploy.cli.parts import Part, parts_of
from deploy.cli.workspace_file import WorkspaceFile, references, warnings
from deploy.cli.yaml_file import FileRefused, YamlFile

CONFIGURATION = "/v1/configuration"


class Change(BaseModel):
    """One difference between what holds and what the file says."""

    path: str
    kind: str


class _Answer(BaseModel):
    version: int
    changes: list[Change]
    warnings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """What would become of one service's part. `changes` name places in the file."""

    part: Part
    version: int
    changes: Sequence[Change]
    warnings: Sequence[str]

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to send; a service that was never told anything is told."""
        return bool(self.changes) or self.version == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would become of a workspace."""

    workspace_id: str
    parts: Sequence[PartPlan]
    warnings: Sequence[str]

    @property
    def is_needed(self) -> bool:
        """Whether anything would change."""
        return any(part.is_needed for part in self.parts)

    def only(self, services: Collection[str]) -> "Plan":
        """The same plan for some of the services."""
        return replace(self, parts=[part for part in self.parts if part.part.service in services])


class ServiceOutline(BaseModel):
    """A service's part of a plan, for programs."""

    service: str
    version: int
    is_needed: bool
    changes: list[Change]
    warnings: list[str]


class PlanOutline(BaseModel):
    """A plan, for programs."""

    workspace: str
    services: list[ServiceOutline]
    warnings: list[str]


def outline(plan: Plan) -> PlanOutline:
    """The plan as it is printed for programs."""
    return PlanOutline(
        workspace=plan.workspace_id,
        services=[
            ServiceOutline(
                service=part.part.service,
                version=part.version,
                is_needed=part.is_needed,
                changes=list(part.changes),
                warnings=list(part.warnings),
            )
            for part in plan.parts
        ],
        warnings=list(plan.warnings),
    )


def read_workspace(path: Path, variables: Mapping[str, str]) -> tuple[YamlFile, WorkspaceFile]:
    """The file and what it says. Raises FileRefused with everything that is wrong with it, and CliError."""
    file = YamlFile(path, variables)
    try:
        content = WorkspaceFile.model_validate(file.content)
    except ValidationError as error:
        raise FileRefused(path, [file.problem(*told) for told in in_words(error.errors())]) from None
    if dangling := [file.problem(place, text) for place, text in references(content)]:
        raise FileRefused(path, dangling)
    return file, content


async def make_plan(file: YamlFile, content: WorkspaceFile, services: Mapping[str, Service]) -> Plan:
    """Asks each service what it thinks of its part. Raises FileRefused where one says no, and CliError."""
    planned, problems = [], []
    for part in parts_of(content):
        try:
            answer = await _put(services[part.service], part, dry_run=True)
        except Refused as refused:
            if refused.status != 422:
                raise
            problems += [file.problem(part.place(pointer), text) for pointer, text in refused.problems]
            if not refused.problems:
                raise
            continue
        changes = [Change(path="/".join(part.place(one.path)), kind=one.kind) for one in answer.changes]
        told = [placed(file, part, warning) for warning in answer.warnings]
        planned.append(PartPlan(part=part, version=answer.version, changes=changes, warnings=told))
    if problems:
        # Services that share a section refuse it alike.
        raise FileRefused(file.file, list(dict.fromkeys(problems)))
    return Plan(workspace_id=content.workspace, parts=planned, warnings=list(warnings(content)))


def placed(file: YamlFile, part: Part, warning: str) -> str:
    """A warning with its place in the file in front, where it names one in the part."""
    pointer, found, text = warning.partition(": ")
    if not found or not pointer.startswith("/"):
        return warning
    problem = file.problem(part.place(pointer), text)
    return f"line {problem.line} {problem.place}: {problem.text}"


async def carry_out(plan: Plan, services: Mapping[str, Service]) -> list[str]:
    """Sends each service its part; the services that have changed.

    Raises CliError saying how far it came: whoever does it again goes on from there.
    """
    done: list[str] = []
    for planned in plan.parts:
        if not planned.is_needed:
            continue
        service = services[planned.part.service]
        try:
            await _put(service, planned.part, dry_run=False, version=planned.version)
        except CliError as error:
            reason = str(error)
            if isinstance(error, Refused) and error.status == 412:
                reason = f"{service.name}: somebody else has changed the configuration meanwhile."
            so_far = f"{', '.join(done)} {'is' if len(done) == 1 else 'are'} changed; " if done else ""
            raise CliError(f"{reason} ({so_far}apply again to go on)") from error
        done.append(service.name)
    return done


async def _put(service: Service, part: Part, *, dry_run: bool, version: int | None = None) -> _Answer:
    answer = await service.request(
        "PUT",
        CONFIGURATION,
        body=part.content.model_dump(mode="json"),
        query={"dry_run": "true"} if dry_run else None,
        headers={} if version is None else {"If-Match": f'"{version}"'},
    )
    return _Answer.model_validate_json(answer.content)
