"""The study as an object: `order` strings the steps along a journal, `beside` holds what is asked out of order."""

from fieldguide.workflow.order import STEPS, load_model
from fieldguide.workflow.study import Study

__all__ = ["STEPS", "Study", "load_model"]
