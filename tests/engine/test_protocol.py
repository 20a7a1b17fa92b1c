"""The wire format: what is sent arrives the same, and what is not of it is refused with a sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ProtocolMismatch
from engine.protocol import (
    EVENTS,
    PROTOCOL_VERSION,
    REQUESTS,
    Outcome,
    Progress,
    TileRequest,
    from_builtins,
    from_line,
    to_builtins,
    to_line,
)
from engine.records import (
    AskRequest,
    AskTilesRequest,
    Box,
    Cleaning,
    DisplaySpec,
    ExplanationMap,
    FindRequest,
    GateChoice,
    OutlineRequest,
    PixelWindow,
    RedrawRequest,
)

text = st.text(min_size=1, max_size=200).filter(str.strip)
windows = st.builds(
    PixelWindow, st.integers(-9999, 9999), st.integers(-9999, 9999), st.integers(1, 9999), st.integers(1, 9999)
)
questions = st.builds(
    AskRequest,
    question=text,
    optical=st.none() | text,
    sar=text,
    folder=text,
    window=st.none() | windows,
    gate=st.builds(GateChoice, tolerance_px=st.none() | st.floats(0, 100)),
    sar_bands=st.none() | st.tuples(st.integers(1, 9)),
    error_rate=st.sampled_from([0.05, 0.1, 0.2]),
)
requests = st.one_of(
    questions,
    st.builds(AskTilesRequest, questions, tile_gsd_m=st.none() | st.floats(0.01, 1e3), max_tiles=st.integers(1, 10**6)),
    st.builds(
        FindRequest,
        expression=text,
        optical=st.none() | text,
        sar=text,
        folder=text,
        window=st.none() | windows,
        sensors=st.sampled_from([("optical",), ("sar",), ("optical", "sar")]),
        mode=st.sampled_from(["auto", "best", "all"]),
        least_score=st.none() | st.floats(0.01, 0.99),
        gsd_m=st.none() | st.floats(0.01, 1e3),
    ),
    st.builds(
        OutlineRequest,
        expression=text,
        optical=st.none() | text,
        sar=text,
        folder=text,
        threshold=st.none() | st.floats(0.01, 0.99),
        least_part_px=st.integers(0, 10**6),
        gsd_m=st.none() | st.floats(0.01, 1e3),
    ),
    st.builds(
        RedrawRequest,
        outline_json=text,
        folder=text,
        cleaning=st.builds(Cleaning, threshold=st.floats(0.01, 0.99), least_hole_px=st.integers(0, 10**6)),
    ),
    st.builds(
        TileRequest,
        path=text,
        window=windows,
        width=st.integers(1, 4000),
        height=st.integers(1, 4000),
        display=st.just(DisplaySpec((3, 2, 1), (0.0, 1.0, 2.0), (9.0, 8.0, 7.0))),
        slot=st.integers(0, 9),
    ),
    st.builds(Outcome, status=st.sampled_from(["succeeded", "cancelled", "failed", "crashed"]), reason=st.text()),
    st.builds(Progress, stage=text, fraction=st.none() | st.floats(0, 1)),
)


@given(st.text(max_size=40), requests)
def test_a_message_arrives_as_it_was_sent_in_one_line(message_id, record):
    line = to_line(message_id, record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == (message_id, record)


def test_a_record_inside_a_record_survives():
    explanation = ExplanationMap("trust", "Sensor trust", "trust", "both", "t.npy", (14, 14), Box(0, 0, 9, 9), 0.0, 1.0)
    data = json.loads(json.dumps(to_builtins(explanation)))
    assert from_builtins(data, ExplanationMap) == explanation


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"Segmentation fault\n", "not a message"),
        (b'{"v": 99, "id": "1", "kind": "shutdown", "body": {}}\n', "protocol 99"),
        (b'{"v": 1, "id": "1", "kind": "dance", "body": {}}\n', "dance"),
        (b'{"v": 1, "id": "1", "kind": "cancel", "body": {}}\n', "Cancel"),
        (b'{"v": 1, "id": "1", "kind": "cancel", "body": {"target": 7}}\n', "Cancel"),
        (b"\xff\xfe\n", "not a message"),
        (b"", "not a message"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(line, words):
    with pytest.raises(ProtocolMismatch, match=words):
        from_line(line)


@given(st.binary(max_size=300))
def test_noise_never_raises_anything_but_a_mismatch(noise):
    with pytest.raises(ProtocolMismatch):
        from_line(b"noise " + noise)


def test_every_kind_names_one_record():
    assert len({*REQUESTS.values(), *EVENTS.values()}) == len(REQUESTS) + len(EVENTS)
    assert not set(REQUESTS) & set(EVENTS)
    assert PROTOCOL_VERSION == 1


def test_an_older_window_is_still_understood():
    """Fields that came later have defaults: a line without them is a whole request."""
    line = json.loads(to_line("1", AskRequest("Is there a river?", "o.tif", None, "job")))
    for later in ("error_rate", "strict"):
        del line["body"][later]
    assert from_line(json.dumps(line).encode())[1] == AskRequest("Is there a river?", "o.tif", None, "job")
