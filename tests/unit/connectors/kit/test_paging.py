import pytest

from fairlead.connectors._kit.paging import after_number, number_of
from fairlead.engine.ports.carrier import Cursor, Unavailable


def test_pages_are_counted_from_one() -> None:
    assert (number_of(None), number_of(Cursor("7"))) == (1, 7)


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "x", "²", "9" * 10])
def test_a_cursor_that_is_no_number_is_not_sent(cursor: str) -> None:
    with pytest.raises(Unavailable, match="page number"):
        number_of(Cursor(cursor))


@pytest.mark.parametrize(
    ("number", "total", "lines", "following"),
    [(1, 3, 10, "2"), (3, 3, 10, None), (1, 0, 0, None), (1, None, 10, "2"), (1, None, 9, None), (2, 1, 10, None)],
)
def test_the_page_behind_a_page(number: int, total: int | None, lines: int, following: str | None) -> None:
    assert after_number(number, total=total, lines=lines, size=10) == following
