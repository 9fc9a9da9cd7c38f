"""Which requests are samples tried with? Ordinary ones, and some that try to break out."""

from headgate.catalog.sample import (
    Field,
    FileBody,
    FormBody,
    JSONBody,
    Key,
    SampleRequest,
    TextBody,
)

KEY = Key("X-API-Key")
BEARER = Key("Authorization", "Bearer ")
QUERY = Key("api_key", is_in_query=True)
HOSTILE = "'\"`\\ $(id) ${HOME} #{1} %s \u2028 é 😀 \t|&;<>!*?~ */ ?> \\u000a"
JSON = (("Content-Type", "application/json"),)


def requests(server: str) -> dict[str, SampleRequest]:
    """Requests by name, to operations of `document`."""
    hostile = {HOSTILE: [HOSTILE, None, True, 1.5, {"a": []}], "plain": "x\r\ny"}
    fields = (
        Field("name", "Ada"),
        Field("tag", "a & b=c"),
        Field("tag", "@not-a-file"),
        Field("odd'name\"", HOSTILE),
    )
    upload = (
        Field("about", "text;type=x", "", "text/csv"),
        Field("file", "", "upload.bin"),
        Field("picture", "", "upload.bin", "image/png"),
        Field("plain", "@not-a-file"),
    )
    echo = f"{server}/echo"
    return {
        "get": SampleRequest("GET", f"{echo}/5?status=sold&status=new", key=KEY),
        "open": SampleRequest("GET", f"{echo}/5"),
        "bearer": SampleRequest("DELETE", f"{echo}/5", key=BEARER),
        "query": SampleRequest("GET", f"{echo}/5?a=b%20c&filter[x]=1", key=QUERY),
        "headers": SampleRequest(
            "GET",
            f"{echo}/5",
            (
                ("Accept", "application/json"),
                ("X-Odd", 'it\'s "%0A" $HOME'),
                ("Cookie", "a=1; b=2"),
            ),
            KEY,
        ),
        "json": SampleRequest("POST", echo, JSON, KEY, JSONBody({"name": "Ada", "tags": ["a"]})),
        "json-hostile": SampleRequest("PUT", f"{echo}/5", JSON, KEY, JSONBody(hostile)),
        "text": SampleRequest(
            "POST", echo, (("Content-Type", "text/plain; charset=utf-8"),), KEY, TextBody(HOSTILE)
        ),
        "file": SampleRequest(
            "POST", echo, (("Content-Type", "image/png"),), KEY, FileBody("upload.bin")
        ),
        "form": SampleRequest("POST", echo, (), KEY, FormBody(fields, is_multipart=False)),
        "multipart": SampleRequest("POST", echo, (), KEY, FormBody(upload, is_multipart=True)),
    }
