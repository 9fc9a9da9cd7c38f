"""A person at a browser without scripts: follows links, fills in forms, keeps cookies."""

import html
import re
from types import TracebackType
from typing import Any, Self

import httpx2

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
ANSWER_SECONDS_MAX = 60.0


class Person:
    """One browser. Nobody is signed in at first."""

    def __init__(self, url: str, *, language: str = "en") -> None:
        self.client = httpx2.Client(
            base_url=url,
            follow_redirects=False,
            trust_env=False,
            timeout=ANSWER_SECONDS_MAX,
            headers={"Accept-Language": language},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()

    def get(self, path: str) -> httpx2.Response:
        """Open a page, and the ones that it leads on to."""
        return self.client.get(path, follow_redirects=True)

    def send(self, page: str, *, to: str = "", **fields: Any) -> httpx2.Response:
        """Open `page`, fill in its form, send it (to another address with `to`); follow."""
        return self.send_once(page, to=to, follow=True, **fields)

    def send_once(
        self, page: str, *, to: str = "", follow: bool = False, **fields: Any
    ) -> httpx2.Response:
        """As `send`, and by default stay at the first answer."""
        found = TOKEN.search(self.get(page).text)
        assert found, f"{page} has no form"
        data = {"csrfmiddlewaretoken": found.group(1), **fields}
        answer = self.client.post(
            to or page, data=data, headers={"Referer": str(self.client.base_url)}
        )
        if follow and answer.is_redirect:
            return self.get(answer.headers["location"])
        return answer

    def sign_in(self, email: str, password: str) -> httpx2.Response:
        """Sign in by password."""
        return self.send("/account/login/", login=email, password=password)


def words(response: httpx2.Response) -> str:
    """What a person reads on a page."""
    text = re.sub(r"(?s)<(script|style|title)\b.*?</\1>|<[^>]+>", " ", response.text)
    return " ".join(html.unescape(text).split())
