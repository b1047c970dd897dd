"""Names for words, so that a recording holds none of them."""

KEPT = 1000
"""Words remembered; a window's and those before it that may still be revised are under 200."""


class Pseudonyms:
    """A name for each word's text that says no more of it than the analysis looks at: whether two
    are the same, and whether they are the same but for case and the punctuation around them.

    >>> name = Pseudonyms()
    >>> [name("again"), name("Again."), name("no"), name("again")]
    ['0', '0.', '1', '0']
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._next = 0

    def __call__(self, text: str) -> str:
        name = self._names.pop(text, None) or self._new(text)
        self._names[text] = name  # the latest last
        if len(self._names) > KEPT:
            del self._names[next(iter(self._names))]
        return name

    def _new(self, text: str) -> str:
        alike = [name for known, name in self._names.items() if _plain(known) == _plain(text)]
        if alike:
            return max(alike, key=len) + "."
        self._next += 1
        return str(self._next - 1)


def _plain(text: str) -> str:
    return text.strip(" .,!?").lower()
