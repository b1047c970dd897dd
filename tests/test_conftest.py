"""How the tests themselves are run."""

import pytest


@pytest.mark.parametrize("number", range(4))
def test_where_several_share_the_tests_those_of_a_file_stay_together(
    request: pytest.FixtureRequest, number: int
) -> None:
    """And make its fixtures once: by what pytest-xdist adds to their names."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("one process runs them all")
    assert request.node.nodeid.endswith(f"[{number}]@test_conftest")
