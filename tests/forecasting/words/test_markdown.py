"""Anybody's text in a page of Markdown is shown as it is."""

from __future__ import annotations

import re
from html import escape, unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from forecasting.words.markdown import escaped, fenced, table

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
text = st.text(st.sampled_from("\\`*_[]()<>&|~!#+-=.1 \n\tab'\"/:;é"), min_size=1, max_size=12)


def shown(word: str) -> str:
    return escape(" ".join(word.split()), quote=False)


@settings(max_examples=200, deadline=None)
@given(word=text)
@example(word="<img src=x onerror=alert(1)>")
@example(word="&lt;b&gt;")
@example(word="[home](javascript:alert(1))")
@example(word="![](https://example.com/x.png)")
@example(word="1. one")
@example(word="- - -")
@example(word="market_share of __init__")
def test_text_is_text_to_a_reader_of_markdown(word):
    if not word.split():
        return
    for before, after in (("", ""), ("Forecasts of ", ".")):
        page = READER.render(f"{before}{escaped(word)}{after}")
        inside = re.fullmatch(r"<p>(.*)</p>\n", page, re.DOTALL)
        assert inside is not None, page
        found = escape(unescape(inside[1]), quote=False)
        assert found == f"{before}{shown(word)}{after}"
        assert inside[1].replace("&quot;", '"') == found
    cells = re.findall(r"<td>(.*?)</td>", READER.render(table(["a", "b"], [[escaped(word), "x"]])))
    assert [unescape(cell) for cell in cells] == [unescape(shown(word)), "x"]


@given(lines=st.lists(st.text(st.sampled_from("`<b>a -~"), max_size=8), min_size=1, max_size=3))
def test_code_ends_where_it_should(lines):
    page = READER.render(fenced(lines) + "\n\nend")
    code = "\n".join(lines)
    assert page == f"<pre><code>{escape(code, quote=False)}\n</code></pre>\n<p>end</p>\n"


@pytest.mark.parametrize("word", ["Germany (DEU)", "market_share", "5.2%", "-3", "WAPE, h1", "=x"])
def test_usual_words_are_left_alone(word):
    assert escaped(word) == word
