"""Random search: each trial draws its settings independently, by name.

Knows spaces of settings and recipes, and how trial i is drawn from a seed; nothing of fitting or of scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from fieldguide.core.contracts import Learner
from fieldguide.core.seeds import generator, seed_for
from fieldguide.core.settings import Space, space_of, values_of
from fieldguide.core.transform import Recipe


@dataclass(frozen=True)
class Arm:
    """A learner to search over: its settings are the first trial, its spaces the rest.

    Args:
        learner: the learner object; what has no space stays as it is.
        recipe: the recipe of the first trial; None: the learner's own.
        space: where settings are drawn from; None: what the learner declares.
        recipe_space: where recipe fields are drawn from; None: what `Recipe` declares, less what the learner names.
        kinds: the kinds of columns there are; settings about others are not drawn.

    Examples:
        >>> from fieldguide import parts
        >>> sorted(Arm(parts.find("learners", "rule")()).spaces[0])
        ['n_ranges', 'smoothing']
    """

    learner: Learner
    recipe: Recipe | None = None
    space: Mapping[str, Space] | None = None
    recipe_space: Mapping[str, Space] | None = None
    kinds: tuple[str, ...] = ()

    @property
    def spaces(self) -> tuple[dict[str, Space], dict[str, Space]]:
        """The spaces of settings and of recipe fields."""
        settings = space_of(self.learner, self.kinds) if self.space is None else self.space
        if self.recipe_space is not None:
            return dict(settings), dict(self.recipe_space)
        return dict(settings), {k: v for k, v in space_of(Recipe, self.kinds).items() if k not in self.learner.recipe}

    def first(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the settings and recipe fields as they stand."""
        recipe = values_of(Recipe()) | dict(self.learner.recipe) if self.recipe is None else values_of(self.recipe)
        return values_of(self.learner), recipe


@dataclass(frozen=True)
class Trial:
    """One set of settings to try.

    Args:
        number: from 0; equal numbers have equal settings.
        learner: the learner's part name.
        settings: all settings of the learner, as plain data.
        recipe: all fields of the recipe, as plain data.
        seed: the seed of the fit, from the number.
        rung: how far it has come in a halving search; 0 elsewhere.
    """

    number: int
    learner: str
    settings: Mapping[str, Any] = field(hash=False)
    recipe: Mapping[str, Any] = field(hash=False)
    seed: int = 0
    rung: int = 0


class RandomSearch:
    """Draw trials until `n_trials` were asked for.

    Learners take turns; the first trial of each is its default. Every setting of every trial has its own named draw, so
    that trial i is the same whatever was asked, told or declared before it.

    Args:
        arms: what is searched over.
        n_trials: how many trials to draw; None: without end.
        seed: of the search.

    Source:
        Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13, 2012.

    Examples:
        >>> from fieldguide import parts
        >>> search = RandomSearch((Arm(parts.find("learners", "rule")()),), n_trials=2, seed=7)
        >>> search.ask().settings["n_ranges"], search.ask().number, search.ask()
        (8, 1, None)
    """

    name: ClassVar[str] = "random"

    def __init__(self, arms: tuple[Arm, ...], n_trials: int | None = None, seed: int = 0) -> None:
        self.arms, self.n_trials, self.seed = arms, n_trials, seed
        self.scores: dict[int, float] = {}
        self._asked = 0

    def ask(self) -> Trial | None:
        """Return the next trial, or None after `n_trials`."""
        if not self.arms or (self.n_trials is not None and self._asked >= self.n_trials):
            return None
        self._asked += 1
        return self.draw(self._asked - 1)

    def tell(self, trial: Trial, score: float) -> None:
        """Keep the score of a trial; the draws do not depend on it."""
        self.scores[trial.number] = score

    def draw(self, number: int) -> Trial:
        """Return trial `number`."""
        arm = self.arms[number % len(self.arms)]
        settings, recipe = arm.first()
        if number >= len(self.arms):
            for drawn, space, kind in zip((settings, recipe), arm.spaces, ("setting", "recipe")):
                for name in space:
                    drawn[name] = space[name].draw(generator(self.seed, "trial", number, kind, name))
        return Trial(number, arm.learner.name, settings, recipe, seed_for(self.seed, "trial", number))
