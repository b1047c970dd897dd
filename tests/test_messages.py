"""The contract of the feed: what goes out comes back, and nothing else gets in."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.feed.codec import Encoding, MalformedError, decode, encode, topic_of
from streamer.feed.messages import (
    Message,
    SentimentMessage,
    topic,
)
from tests.feed_fixtures import messages, sentiment, transcript

encodings = st.sampled_from(["json", "msgpack"])


@settings(deadline=None)
@given(messages(), encodings)
def test_what_is_encoded_decodes_to_the_same(message: Message, encoding: Encoding) -> None:
    assert decode([topic_of(message), encode(message, encoding)]) == message


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4), st.sampled_from([b"", b"health/", b"{"]))
def test_arbitrary_bytes_are_malformed_and_nothing_worse(frames: list[bytes], start: bytes) -> None:
    with pytest.raises(MalformedError):
        decode([start + frame for frame in frames])


@settings(deadline=None)
@given(st.data(), encodings)
def test_damaged_payloads_are_read_or_refused(data: st.DataObject, encoding: Encoding) -> None:
    message = sentiment()
    payload = bytearray(encode(message, encoding))
    for _ in range(data.draw(st.integers(1, 5))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = decode([topic_of(message), bytes(payload)])
    except MalformedError:
        return
    assert isinstance(read, SentimentMessage)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_unknown_fields_are_ignored_and_missing_ones_refused(encoding: Encoding) -> None:
    message = transcript("well done")
    name = topic_of(message)
    codec = msgspec.json if encoding == "json" else msgspec.msgpack
    fields = codec.decode(encode(message, encoding))
    assert decode([name, codec.encode(fields | {"mood_ring": "blue"})]) == message
    del fields["words"]
    with pytest.raises(MalformedError, match="words"):
        decode([name, codec.encode(fields)])


def test_another_version_of_a_schema_is_refused() -> None:
    payload = encode(sentiment(), "json").replace(b"qamoe.sentiment/1", b"qamoe.sentiment/2")
    with pytest.raises(MalformedError, match=r"qamoe\.sentiment/2"):
        decode([topic_of(sentiment()), payload])


def test_a_topic_that_is_not_the_messages_own_is_refused() -> None:
    with pytest.raises(MalformedError, match="bob"):
        decode([topic("sentiment", "s1", "bob"), encode(sentiment(participant="ann"), "json")])


@pytest.mark.parametrize("value", ["1.5", "-1.0000001", "null", '"high"'])
def test_a_value_out_of_its_range_is_refused(value: str) -> None:
    payload = encode(sentiment(value=0.25), "json")
    damaged = payload.replace(b'"value":0.25', b'"value":' + value.encode())
    assert damaged != payload
    with pytest.raises(MalformedError, match="value"):
        decode([topic_of(sentiment()), damaged])
