"""Which paths are for programs with tokens, and which are pages for people?"""

import pytest

from headgate.web.authentication import is_for_programs


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1/apis", "/node/v1/snapshot", "/oauth/token", "/problems/x"]
)
def test_programs_show_a_token(path: str) -> None:
    assert is_for_programs(path)


@pytest.mark.parametrize("path", ["/", "/apis/httpbin", "/apis", "/console", "/oauthx", "/nodes"])
def test_people_sign_in_also_where_a_path_begins_alike(path: str) -> None:
    assert not is_for_programs(path)
