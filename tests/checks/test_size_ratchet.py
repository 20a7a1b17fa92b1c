"""The ratchet itself: it measures what it says, and lets nothing grow."""

from __future__ import annotations

from tests.checks.size_ratchet import judge, measure

SOURCE = '''
class Many:
    def one(self):
        """Told.

        At length.
        """
        return 1

    def _hidden(self):
        return 2
'''


def test_it_counts_lines_without_docstrings_and_only_public_methods():
    sizes = {(key, kind): size for key, kind, size in measure(SOURCE, "m.py")}
    assert sizes["m.py", "module lines"] == 11
    assert sizes["m.py:one", "function lines"] == 2
    assert sizes["m.py:Many", "public methods"] == 1


def test_a_new_offender_a_grown_one_and_a_needless_entry_each_fail():
    assert judge({"a": 60}, {}) == ["a: 60, not listed as an exception"]
    assert judge({"a": 61}, {"a": 60}) == ["a: grew from 60 to 61"]
    assert judge({}, {"a": 60}) == ["a: listed as 60, but now small: run with --write"]
    assert judge({"a": 60}, {"a": 60}) == []
