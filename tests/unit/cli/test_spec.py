"""Which files of a folder or beside a document are sent, and what is refused?"""

from pathlib import Path

import pytest

from headgate.cli.spec import document_of
from headgate.core.problems import Problem, ProblemType


def _write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_an_address_is_left_to_the_control_plane() -> None:
    document = document_of("https://a.example/openapi.json", allow_private=True)
    assert document == {"url": "https://a.example/openapi.json", "allow_private": True}


def test_references_are_followed_downwards_and_in_circles(tmp_path: Path) -> None:
    _write(
        tmp_path,
        openapi_json='{"openapi": "3.0.3", "x": {"$ref": "shared/a.json#/A"}}',
        shared__a_json='{"A": {"$ref": "b.json"}}',
        shared__b_json='{"$ref": "a.json#/A"}',
    )
    document = document_of(str(tmp_path / "openapi.json"), allow_private=False)
    assert document["entry"] == "openapi.json"
    assert set(document["files"]) == {"openapi.json", "shared/a.json", "shared/b.json"}


def test_nothing_outside_the_folder_is_sent(tmp_path: Path) -> None:
    _write(
        tmp_path,
        secret_json='{"A": "private"}',
        api__openapi_json='{"openapi": "3.0.3", "x": {"$ref": "../secret.json#/A"},'
        ' "y": {"$ref": "link.json"}}',
    )
    (tmp_path / "api" / "link.json").symlink_to(tmp_path / "secret.json")
    document = document_of(str(tmp_path / "api" / "openapi.json"), allow_private=False)
    assert set(document["files"]) == {"openapi.json"}


def test_what_is_missing_or_elsewhere_is_left_to_the_control_plane(tmp_path: Path) -> None:
    _write(
        tmp_path,
        openapi_yaml="openapi: 3.0.3\na: {$ref: 'gone.yaml'}\nb: {$ref: 'https://x.example/y'}\n",
    )
    document = document_of(str(tmp_path), allow_private=False)
    assert set(document["files"]) == {"openapi.yaml"}


def test_the_document_of_a_folder_is_found_by_its_first_word(tmp_path: Path) -> None:
    _write(tmp_path, pets_yml="swagger: '2.0'\n", values_yaml="a: 1\n")
    assert document_of(str(tmp_path), allow_private=False)["entry"] == "pets.yml"


def test_a_folder_with_several_documents_must_be_told_which(tmp_path: Path) -> None:
    _write(tmp_path, a_yaml="openapi: 3.0.3\n", b_yaml="openapi: 3.0.3\n")
    with pytest.raises(Problem) as caught:
        document_of(str(tmp_path), allow_private=False)
    assert "a.yaml, b.yaml" in caught.value.detail


def test_a_folder_without_a_document_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, values_yaml="a: 1\n")
    with pytest.raises(Problem) as caught:
        document_of(str(tmp_path), allow_private=False)
    assert "no OpenAPI document" in caught.value.detail


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Problem) as caught:
        document_of(str(tmp_path / "openapi.json"), allow_private=False)
    assert caught.value.type is ProblemType.INVALID_DOCUMENT


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        document_of(str(tmp_path / "nowhere.yaml"), allow_private=False)
    assert "nowhere.yaml" in caught.value.detail
