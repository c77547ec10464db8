"""The authors' packages `tabm` and `rtdl_num_embeddings`, loaded without what they would bring along unasked.

`rtdl_num_embeddings` takes scikit-learn where it finds it, for bins by trees that are not used here; its import would
cost more than torch's, in every run.
"""

from __future__ import annotations

import sys

TREES = "sklearn.tree"
_hidden = TREES not in sys.modules
if _hidden:
    sys.modules[TREES] = None  # type: ignore[assignment]  # makes its import fail as if it were not installed
try:
    import tabm
    from rtdl_num_embeddings import PiecewiseLinearEmbeddings
finally:
    if _hidden:
        del sys.modules[TREES]

__all__ = ["PiecewiseLinearEmbeddings", "tabm"]
