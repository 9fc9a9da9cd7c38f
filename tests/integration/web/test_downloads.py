"""Can a caller's file be fetched over REST, as a file and under its own type?"""

import io
import json
import zipfile

import httpx2
import pytest
import yaml

from tests.support.web_world import api_body

TYPES = {
    "openapi.json": "application/json",
    "openapi.yaml": "application/yaml",
    "postman.json": "application/json",
    "python-client.zip": "application/zip",
}


@pytest.mark.parametrize("file", list(TYPES))
def test_every_file_comes_as_an_attachment_of_its_type(api: httpx2.Client, file: str) -> None:
    name = "files-" + file.replace(".", "-")
    api.post("/apis", json=api_body(name))
    answer = api.get(f"/apis/{name}/downloads/{file}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == TYPES[file]
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}-{file}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = api.get(
        f"/apis/{name}/downloads/{file}", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_the_files_are_what_they_are_called(api: httpx2.Client) -> None:
    api.post("/apis", json=api_body("typed-files"))

    def get(file: str) -> bytes:
        return api.get(f"/apis/typed-files/downloads/{file}").content

    assert json.loads(get("openapi.json")) == yaml.safe_load(get("openapi.yaml"))
    assert "v2.1.0" in json.loads(get("postman.json"))["info"]["schema"]
    with zipfile.ZipFile(io.BytesIO(get("python-client.zip"))) as found:
        assert "typed-files-client/src/typed_files_client/client.py" in found.namelist()


def test_another_file_is_no_file(api: httpx2.Client) -> None:
    api.post("/apis", json=api_body("no-such-file"))
    assert api.get("/apis/no-such-file/downloads/secret.key").status_code in {404, 422}
    assert api.get("/apis/nowhere/downloads/openapi.json").status_code == 404
