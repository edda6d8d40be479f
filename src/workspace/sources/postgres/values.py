"""Present values of one column, and the ways to read many of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BadValueError(ValueError):
    """A value that the lake cannot hold.

    Attributes:
        index: Which one, in what is being decoded; the first, as far as one column tells.
        reason: What it is. Never the value itself, which may be personal.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index
        self.reason = reason


@dataclass(frozen=True)
class Values:
    """Values that are present: no NULL among them.

    Attributes:
        data: The bytes that they lie in, padded.
        begin: Where each begins.
        length: Its bytes.
    """

    data: NDArray[np.uint8]
    begin: NDArray[np.int64]
    length: NDArray[np.int64]

    def refuse(self, bad: NDArray[np.bool_], reason: str) -> None:
        """Raise for the first bad value, if there is one.

        Raises:
            BadValueError: There is.
        """
        if bad.any():
            raise BadValueError(int(np.argmax(bad)), reason)

    def require(self, width: int) -> None:
        """Raise unless every value has this many bytes."""
        self.refuse(self.length != width, f"a value that is not {width} bytes wide")

    def tolist(self) -> list[bytes]:
        """Give each value's bytes."""
        view = self.data.data
        ends = (self.begin + self.length).tolist()
        return [bytes(view[begin:end]) for begin, end in zip(self.begin.tolist(), ends, strict=True)]


def gather(data: NDArray[np.uint8], at: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Read `width` bytes at each place."""
    # A place past the end is that of a value that is not there; what is read for it is not used.
    places = np.minimum(at, len(data) - width)
    return data[places[:, None] + np.arange(width)]


def big_endian(data: NDArray[np.uint8], at: NDArray[np.int64], kind: str) -> NDArray[Any]:
    """Read a big-endian number of numpy's kind (`i4`, `f8`) at each place."""
    raw = gather(data, at, int(kind[1:]))
    numbers: NDArray[Any] = raw.view(f">{kind}").ravel().astype(kind)
    return numbers
