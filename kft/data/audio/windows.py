"""The windows of a sound that a network reads: how long they are, and where they lie.

The middle of a sound comes into the middle of a window; what is missing at both ends is
silence. Several windows are spread evenly over a sound that is longer than one. Never
more than they hold is read of a file, however long it is.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Windows:
    """What of a sound is read.

    Attributes:
        sample_rate: of what is read, in hertz.
        seconds: of a window.
        count: windows.
        margin: seconds on either side of a window that it can be shifted by.
    """

    sample_rate: int
    seconds: float
    count: int = 1
    margin: float = 0.0

    @property
    def samples(self) -> int:
        """Return the samples of a window."""
        return round(self.seconds * self.sample_rate)

    @property
    def margin_samples(self) -> int:
        """Return the samples of the margin on one side."""
        return round(self.margin * self.sample_rate)

    def length(self, rate: int) -> int:
        """Return the samples of a window with its margins at another rate."""
        return round(self.seconds * rate) + 2 * round(self.margin * rate)

    def parts(self, total: int, rate: int) -> list[tuple[int, int]]:
        """Return first sample and count of what the windows read, each part once.

        Args:
            total: samples of the sound.
            rate: samples of it per second.
        """
        length = self.length(rate)
        starts = sorted(set(self.starts(total, rate)))
        return [(max(0, s), min(total, s + length) - max(0, s)) for s in starts]

    def starts(self, total: int, rate: int) -> list[int]:
        """Return where the windows with their margins begin, in samples.

        Args:
            total: samples of the sound.
            rate: samples of it per second.

        Returns:
            One number for each window, all the same where the sound is no longer than
            one; less than 0 where silence comes before the sound.
        """
        spare = total - self.length(rate)
        if spare <= 0 or self.count == 1:
            return [spare // 2] * self.count
        return [spare * number // (self.count - 1) for number in range(self.count)]
