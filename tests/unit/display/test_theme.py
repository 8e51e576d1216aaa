"""The palette keeps the contrast that it promises, computed as WCAG 2.2 does."""

import pytest

from edge.display.theme import BLACK, DARK, LIGHT, WHITE, Theme, contrast, mix

BOTH = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, BLACK) == pytest.approx(21)
    assert contrast((119, 119, 119), WHITE) == pytest.approx(4.48, abs=0.005)
    assert contrast(WHITE, WHITE) == 1


@BOTH
def test_text_stands_out_from_both_papers(theme: Theme) -> None:
    for paper in (theme.ground, theme.surface):
        assert contrast(theme.ink, paper) >= 12
        assert contrast(theme.quiet, paper) >= 4.5


@BOTH
def test_a_state_is_read_on_paper_and_its_sign_upon_it(theme: Theme) -> None:
    for state in (theme.go, theme.wait, theme.stop, theme.info):
        assert min(contrast(state, paper) for paper in (theme.ground, theme.surface)) >= 4.5
        assert contrast(theme.on, state) >= 4.5


def test_a_mixture_lies_between_its_colours() -> None:
    assert mix(WHITE, BLACK, 0.5) == (128, 128, 128)
    assert (mix(WHITE, BLACK, 1), mix(WHITE, BLACK, 0)) == (WHITE, BLACK)
