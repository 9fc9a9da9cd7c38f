"""Which files of a folder are read as a document?"""

import os
from pathlib import Path

import pytest

from headgate.catalog.document import SOURCE_BYTES_MAX
from headgate.catalog.importer import import_document
from headgate.catalog.io.folder import read_source
from headgate.core.problems import Problem, ProblemType

pytestmark = pytest.mark.integration

ENTRY = "openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths:\n  /a: {$ref: paths/a.yaml}\n"
ITEM = "get:\n  responses:\n    '200': {$ref: '../shared.yaml#/Fine'}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A document of three files beside one that does not belong to it."""
    inside = tmp_path / "api"
    (inside / "paths").mkdir(parents=True)
    (inside / "openapi.yaml").write_text(ENTRY)
    (inside / "paths/a.yaml").write_text(ITEM)
    (inside / "shared.yaml").write_text("Fine: {description: fine}\n")
    (inside / "notes.txt").write_text("nothing to do with it")
    (tmp_path / "secret.yaml").write_text("get: {}\n")
    return inside


def refused(path: Path, entry: str = "") -> Problem:
    with pytest.raises(Problem) as caught:
        read_source(path, entry)
    return caught.value


@pytest.mark.parametrize("name", ["", "openapi.yaml"])
def test_a_document_is_read_with_the_files_that_it_refers_to(folder: Path, name: str) -> None:
    source = read_source(folder / name if name else folder)
    assert source.entry == "openapi.yaml"
    assert set(source.files) == {"openapi.yaml", "paths/a.yaml", "shared.yaml"}
    assert import_document(source).operations[0].id == "GET /a"


def test_the_entry_of_a_folder_may_stand_below_it(folder: Path) -> None:
    (folder / "openapi.yaml").rename(folder / "paths/api.yaml")
    (folder / "paths/api.yaml").write_text(ENTRY.replace("paths/a.yaml", "../paths/a.yaml"))
    source = read_source(folder, "paths/api.yaml")
    assert set(source.files) == {"paths/api.yaml", "paths/a.yaml", "shared.yaml"}
    assert import_document(source).operations[0].id == "GET /a"


@pytest.mark.parametrize("reference", ["../secret.yaml", "{folder}/../secret.yaml", "link.yaml"])
def test_nothing_outside_the_folder_is_read(folder: Path, reference: str) -> None:
    (folder / "link.yaml").symlink_to(folder.parent / "secret.yaml")
    text = ENTRY.replace("paths/a.yaml", reference.format(folder=folder))
    (folder / "openapi.yaml").write_text(text)
    source = read_source(folder)
    assert set(source.files) == {"openapi.yaml"}
    with pytest.raises(Problem):
        import_document(source)


def test_a_link_to_a_file_of_the_folder_is_read(folder: Path) -> None:
    (folder / "link.yaml").symlink_to(folder / "paths/a.yaml")
    (folder / "openapi.yaml").write_text(ENTRY.replace("paths/a.yaml", "link.yaml"))
    assert "link.yaml" in read_source(folder).files


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    (folder / "openapi.yaml").write_text(ENTRY.replace("paths/a.yaml", "pipe.yaml"))
    assert set(read_source(folder).files) == {"openapi.yaml"}
    assert refused(folder / "pipe.yaml").type is ProblemType.NOT_FOUND


def test_a_document_with_mistakes_is_read_so_that_the_import_can_say_them(folder: Path) -> None:
    (folder / "openapi.yaml").write_text("openapi: [")
    assert set(read_source(folder).files) == {"openapi.yaml"}


def test_a_file_that_is_not_there_is_a_problem(folder: Path) -> None:
    assert refused(folder / "none.yaml").type is ProblemType.NOT_FOUND
    assert refused(folder, "none.yaml").type is ProblemType.NOT_FOUND
    assert refused(folder, "../secret.yaml").type is ProblemType.NOT_FOUND


def test_a_folder_without_a_document_says_what_it_looked_for(folder: Path) -> None:
    (folder / "openapi.yaml").unlink()
    assert "openapi.yaml, openapi.yml" in refused(folder).detail


def test_a_file_that_is_no_text_is_a_problem(folder: Path) -> None:
    (folder / "openapi.yaml").write_bytes(b"\xff\xfe\x00")
    assert "is not text in UTF-8" in refused(folder).detail


def test_a_file_that_is_too_large_is_a_problem(folder: Path) -> None:
    with (folder / "openapi.yaml").open("wb") as file:
        file.truncate(SOURCE_BYTES_MAX + 1)
    assert refused(folder).type is ProblemType.TOO_LARGE
