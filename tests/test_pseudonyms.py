"""Names for words that say as much as the analysis looks at, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from streamer.recording.pseudonyms import KEPT, Pseudonyms

WORDS = st.lists(
    st.sampled_from(["no", "No", "no.", "No!", "no?", "yes", "Yes,", "yes yes", "never", "", "."])
)


def plain(text: str) -> str:
    """As the evidence of words compares them."""
    return text.strip(" .,!?").lower()


@given(WORDS)
def test_what_is_equal_stays_equal_and_what_differs_stays_different(said: list[str]) -> None:
    name = Pseudonyms()
    names = [name(word) for word in said]
    for one, its in zip(said, names, strict=True):
        for other, others in zip(said, names, strict=True):
            assert (one == other) == (its == others)
            assert (plain(one) == plain(other)) == (plain(its) == plain(others))


@given(WORDS)
def test_a_name_holds_digits_and_dots_alone(said: list[str]) -> None:
    name = Pseudonyms()
    assert all(set(name(word)) <= set("0123456789.") for word in said)


def test_words_of_long_ago_are_forgotten() -> None:
    name = Pseudonyms()
    first = name("first")
    kept = name("kept")
    for number in range(2 * KEPT):
        name(f"word{number}")
        assert name("kept") == kept
    assert name("first") != first
    assert len(name._names) == KEPT
