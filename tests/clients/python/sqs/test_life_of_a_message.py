"""The page docs/life-of-a-message.md: its program prints, piece by piece, what the page says."""

import contextlib
import io
import re

import pytest

from broker import REPOSITORY

PAGE = REPOSITORY / "docs" / "life-of-a-message.md"
# Where the page's broker listens.
ADDRESS = "http://127.0.0.1:9324"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pieces(page: str) -> list:
    """The pieces of the program, each with what it prints."""
    blocks = BLOCK.findall(page)
    kinds = [kind for kind, _ in blocks]
    assert kinds and kinds == ["python", "text"] * (len(kinds) // 2), "a piece is without its output"
    texts = [text for _, text in blocks]
    return list(zip(texts[::2], texts[1::2]))


@pytest.mark.timeout(60)
def test_the_page_tells_what_happens(own_broker):
    page = PAGE.read_text()
    assert ADDRESS in page
    names = {}
    for program, expected in pieces(page.replace(ADDRESS, own_broker.sqs_url)):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(program, PAGE.name, "exec"), names)
        assert printed.getvalue() == expected, program
