"""Revenue: the price that a model of the booking probability alone would ask for.

Knows nothing but what `strategy` knows, and leaves its formula and the interval loss out: what these buy is seen beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.parts.learners.strategy import Strategy


@dataclass(frozen=True)
class Revenue(Strategy):
    """Suggest the price with the highest expected revenue P q(P), among half to twice the usual price.

    Formula:
        logit q(P) = a + b logit(trees) - s ln(P / usual price), s >= 0; see `Strategy`. φ have no meaning here.

    Source:
        the alternative that Ye et al., KDD 2018, section 3 discuss and leave: an error in the slope s moves the price far.

    Examples:
        >>> Revenue().suggests
        'revenue'
    """

    name: ClassVar[str] = "revenue"
    suggests: ClassVar[str] = "revenue"
