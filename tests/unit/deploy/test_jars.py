import hashlib
from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.jars import Jar, cache_folder, provide, read_lock


def a_jar(content: bytes = b"classes") -> Jar:
    return Jar(hashlib.sha256(content).hexdigest(), "org.example:thing:1.0", "org/example/thing.jar", len(content))


class Repository:
    """Hands out the same content every time and counts."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = list(contents)
        self.fetched = 0

    def fetch(self, jar: Jar, folder: Path) -> None:
        self.fetched += 1
        file = folder / jar.path
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.contents.pop(0))


def test_second_start_fetches_nothing(tmp_path: Path) -> None:
    repository = Repository(b"classes")
    for _ in range(2):
        paths = provide([a_jar()], tmp_path, progress=print, fetch=repository.fetch)
        assert [path.read_bytes() for path in paths] == [b"classes"]
    assert repository.fetched == 1


def test_tampered_jar_is_fetched_again(tmp_path: Path) -> None:
    said: list[str] = []
    repository = Repository(b"classes", b"classes")
    (path,) = provide([a_jar()], tmp_path, progress=said.append, fetch=repository.fetch)
    path.write_bytes(b"poison!")
    provide([a_jar()], tmp_path, progress=said.append, fetch=repository.fetch)
    assert path.read_bytes() == b"classes"
    assert "org/example/thing.jar differs from the lock and is fetched again" in said


def test_damaged_download_is_fetched_once_more(tmp_path: Path) -> None:
    repository = Repository(b"clas", b"classes")
    (path,) = provide([a_jar()], tmp_path, progress=print, fetch=repository.fetch)
    assert path.read_bytes() == b"classes"


def test_repository_with_another_jar_is_refused(tmp_path: Path) -> None:
    repository = Repository(b"poison!", b"poison!")
    with pytest.raises(LocalError, match=r"org\.example:thing:1\.0.* another sha256"):
        provide([a_jar()], tmp_path, progress=print, fetch=repository.fetch)
    assert not (tmp_path / a_jar().path).exists()


def test_missing_network_is_named(tmp_path: Path) -> None:
    def fetch(jar: Jar, folder: Path) -> None:
        raise OSError("no route to host")

    with pytest.raises(LocalError, match="could not be fetched: no route to host"):
        provide([a_jar()], tmp_path, progress=print, fetch=fetch)


def test_cache_is_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYPOST_CACHE", str(tmp_path))
    assert cache_folder(tmp_path / "data") == tmp_path / "jars"


def test_cache_is_in_the_data_folder_without_a_usable_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYPOST_CACHE", raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert cache_folder(tmp_path / "data") == tmp_path / "data" / "jars"


def test_lock_holds_one_version_of_kafka() -> None:
    kafka = {jar.coordinate.split(":")[2] for jar in read_lock() if jar.coordinate.startswith("org.apache.kafka:")}
    assert kafka == {"4.3.0"}
