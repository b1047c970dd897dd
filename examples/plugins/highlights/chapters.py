"""Moments as WebVTT chapters (https://www.w3.org/TR/webvtt1/)."""

from collections.abc import Sequence

from moments import Moment


def webvtt(session: str, moments: Sequence[Moment]) -> str:
    """The whole file. Chapters are in the order of time and do not overlap."""
    blocks = [f"WEBVTT - highlights of session {session}"]
    for number, moment in enumerate(moments, start=1):
        times = f"{_timestamp(moment.start)} --> {_timestamp(moment.end)}"
        blocks.append(f"{number}\n{times}\n{_title(moment)}")
    return "\n\n".join(blocks) + "\n"


def _title(moment: Moment) -> str:
    peak = moment.peak
    sign = "positive" if peak.value > 0 else "negative"
    return f"{peak.participant}: {sign} {peak.value:+.2f}, reliability {peak.reliability:.2f}"


def _timestamp(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
