"""How large the networks of DeepSpeech 2 are. No TensorFlow here."""

import dataclasses
import math

from kft.config.stages import Blocks

# Of the spectrogram: frequencies of a frame, and frames of a row of 20 ms.
FREQUENCIES, FRAMES_PER_ROW = 161, 2


@dataclasses.dataclass(frozen=True)
class ConvolutionSizes:
    """A convolution over steps and frequencies.

    Attributes:
        filters: features of its output.
        kernel: steps and frequencies that it sees, odd numbers.
        strides: likewise, from output to output.
    """

    filters: int
    kernel: tuple[int, int]
    strides: tuple[int, int]


# As in the paper, table 4: 32 filters of 41 x 11, then of 21 x 11.
_TWO = (
    ConvolutionSizes(32, (11, 41), (2, 2)),
    ConvolutionSizes(32, (11, 21), (1, 2)),
)


@dataclasses.dataclass(frozen=True)
class DeepSpeech2Sizes:
    """How large a network is.

    Attributes:
        convolutions: from the input upwards; the first one has a stride of
            `FRAMES_PER_ROW` steps, the others of one.
        recurrent_layers: each of them a block.
        units: of each, in each direction.
    """

    convolutions: tuple[ConvolutionSizes, ...] = _TWO
    recurrent_layers: int = 5
    units: int = 800

    @property
    def blocks(self) -> Blocks:
        """Return where it can be cut; the spectrogram is below all blocks."""
        convolutions = range(1, len(self.convolutions) + 1)
        layers = range(1, self.recurrent_layers + 1)
        return Blocks(
            (
                *(f"conv_{number}" for number in convolutions),
                *(f"gru_{number}" for number in layers),
            )
        )

    @property
    def parameters(self) -> int:
        """Return the number of parameters, statistics of norms among them."""
        total, channels, frequencies = 0, 1, FREQUENCIES
        for one in self.convolutions:
            total += math.prod(one.kernel) * channels * one.filters + 4 * one.filters
            channels, frequencies = one.filters, -(-frequencies // one.strides[1])
        width = channels * frequencies
        for number in range(self.recurrent_layers):
            total += 4 * width if number else 0
            # Two directions, three gates, and a bias for inputs and one for states.
            total += 2 * 3 * self.units * (width + self.units + 2)
            width = self.units
        return total


# By the name of a backbone.
SIZES = {
    "DeepSpeech2": DeepSpeech2Sizes(),
    "DeepSpeech2-Small": DeepSpeech2Sizes(recurrent_layers=3, units=256),
}
