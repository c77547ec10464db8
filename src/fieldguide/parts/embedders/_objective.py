"""Skip-gram with negative sampling: the objective, its gradient, and one step, on blocks of a corpus.

Knows tensors of vectors and which of them are pairs; nothing of words, draws, epochs or files.

For a target word w with input vector v, a context word c and k negatives n with output vectors u, one pair costs

    -log s(u_c . v_w) - sum over n of log s(-u_n . v_w),        s(x) = 1 / (1 + exp(-x)).

Pairs are taken block by block: all targets of a block of consecutive words meet the words around them in one matrix product,
and meet negatives drawn once for the block in another. A target with m contexts and K shared negatives weighs each by
m k / K, so that the expected gradient is that of k fresh negatives a pair. Matrix products are what processors do fastest.

Source:
    Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", equation 4.
    Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", section 3 (negatives shared, products batched).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

CURVATURE = 0.025
"""Share of a step's squared partner lengths that counts as curvature; see `damped`. The bound itself is 0.25, for partners
that all point one way and pairs that are all undecided; a tenth of it held in trials on one corpus."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive words of a corpus as blocks, with their contexts and their negatives.

    Args:
        words: the stretch with `margin` words on either side, which are contexts only.
        contexts: 1 where a word of the block's surroundings is a context of a target, else 0.
        noise: negatives, shared by the targets of a block.
        weight: what each negative counts for a target: its contexts times negatives a pair, over negatives a block.

    Shape:
        words: (n_blocks * block + 2 * margin,) int64
        contexts: (n_blocks, block, block + 2 * margin)
        noise: (n_blocks, n_noise) int64
        weight: (n_blocks, block, 1)
    """

    words: Tensor
    contexts: Tensor
    noise: Tensor
    weight: Tensor

    @property
    def margin(self) -> int:
        return (self.contexts.shape[2] - self.contexts.shape[1]) // 2

    @property
    def targets(self) -> Tensor:
        return self.words[self.margin : len(self.words) - self.margin]


def around(rows: Tensor, stretch: Stretch) -> Tensor:
    """Return the surroundings of every block as an overlapping view of the stretch's rows.

    Shape:
        rows: (n_blocks * block + 2 * margin, d)
        returns: (n_blocks, block + 2 * margin, d)
    """
    n_blocks, block, reach = stretch.contexts.shape
    d = rows.shape[1]
    return rows.as_strided((n_blocks, reach, d), (block * d, d, 1), rows.storage_offset())


def gathered(parts: Tensor, stretch: Stretch) -> Tensor:
    """Add up what blocks say of their surroundings, word by word: the reverse of `around`.

    Shape:
        parts: (n_blocks, block + 2 * margin, d)
        returns: (n_blocks * block + 2 * margin, d)
    """
    n_blocks, block, reach = stretch.contexts.shape
    d, margin, n = parts.shape[2], stretch.margin, n_blocks * block
    total = parts.new_zeros(n + 2 * margin, d)
    if margin > block:  # surroundings reach past the next block
        for i in range(n_blocks):
            total[i * block : i * block + reach] += parts[i]
        return total
    total[margin : margin + n].view(n_blocks, block, d).copy_(parts[:, margin : margin + block])
    total[:n].view(n_blocks, block, d)[:, :margin] += parts[:, :margin]
    total[2 * margin :].view(n_blocks, block, d)[:, block - margin :] += parts[:, margin + block :]
    return total


def loss(inputs: Tensor, outputs: Tensor, stretch: Stretch) -> Tensor:
    """Return the objective of a stretch, summed over its pairs [nats].

    Shape:
        inputs, outputs: (n_words, d), vectors of all words as targets and as contexts
        returns: ()

    Examples:
        >>> ones = torch.ones(1, 1, 3)
        >>> pair = Stretch(torch.tensor([0, 1, 0]), ones * torch.tensor([0, 0, 1]), torch.tensor([[2]]), torch.ones(1, 1, 1))
        >>> vectors = torch.tensor([[0.0], [1.0], [2.0]])
        >>> float(loss(vectors, vectors, pair))  # log 2 + log(1 + e^2)
        2.8200...
    """
    n_blocks, block, _ = stretch.contexts.shape
    target = inputs[stretch.targets].view(n_blocks, block, -1)
    seen = target @ around(outputs[stretch.words], stretch).transpose(1, 2)
    unseen = target @ outputs[stretch.noise].transpose(1, 2)
    return -(stretch.contexts * logsigmoid(seen)).sum() - (stretch.weight * logsigmoid(-unseen)).sum()


@dataclass(frozen=True)
class Descent:
    """Minus the gradient of the objective in the rows that a stretch touches, and a bound of their curvature.

    Shape:
        inputs: (n_targets, d); outputs: (n_targets + 2 * margin + n_blocks * n_noise, d), the stretch's words, then noise
        steep_inputs: (n_targets,); steep_outputs: as many as outputs has rows
    """

    inputs: Tensor
    outputs: Tensor
    steep_inputs: Tensor
    steep_outputs: Tensor


def descent(inputs: Tensor, outputs: Tensor, stretch: Stretch) -> Descent:
    """Return minus the gradient of `loss`, by hand: (1 - s) for contexts, -s for negatives, times the partner's vector.

    Rows of a word that stands several times in the stretch are listed several times; their sum is the gradient.
    """
    n_blocks, block, _ = stretch.contexts.shape
    n_noise, n = stretch.noise.shape[1], n_blocks * block
    flat = inputs.index_select(0, stretch.targets)
    target = flat.view(n_blocks, block, -1)
    rows = outputs.index_select(0, stretch.words)
    seen = around(rows, stretch)
    unseen = outputs.index_select(0, stretch.noise.view(-1)).view(n_blocks, n_noise, -1)
    pull = torch.bmm(target, seen.transpose(1, 2)).neg_().sigmoid_().mul_(stretch.contexts)
    push = torch.bmm(target, unseen.transpose(1, 2)).sigmoid_().mul_(stretch.weight)
    d_target = torch.bmm(pull, seen).baddbmm_(push, unseen, alpha=-1.0).view(n, -1)
    d_seen = gathered(torch.bmm(pull.transpose(1, 2), target), stretch)
    d_unseen = torch.bmm(push.transpose(1, 2), target).neg_().view(n_blocks * n_noise, -1)

    length = torch.linalg.vector_norm(flat, dim=1).square_().view(n_blocks, block, 1)
    around_length = around(torch.linalg.vector_norm(rows, dim=1).square_().unsqueeze(1), stretch)
    noise_length = torch.linalg.vector_norm(unseen, dim=2).square_().sum(1).view(n_blocks, 1, 1)
    steep_target = torch.bmm(stretch.contexts, around_length).addcmul_(stretch.weight, noise_length)
    steep_seen = gathered(torch.bmm(stretch.contexts.transpose(1, 2), length), stretch)
    steep_unseen = (stretch.weight * length).sum(1).expand(n_blocks, n_noise)
    return Descent(
        d_target,
        torch.cat([d_seen, d_unseen]),
        steep_target.view(n),
        torch.cat([steep_seen.view(-1), steep_unseen.reshape(-1)]),
    )


def damped(steps: Tensor, rows: Tensor, steep: Tensor, rate: float, sums: Tensor) -> Tensor:
    """Scale rows so that a word that stands often in one stretch moves no further than its curvature allows.

    One after another, the pairs of a word would each see what the last one changed; taken at once, they would all push the
    same way and overshoot: a text that is one word a thousand times over diverges. A row's second derivative is at most
    a quarter of the sum over its pairs of the partner's squared length; where rate times `CURVATURE` times that sum is
    over 1, the row's step is divided by it. Rows of rare words, and all rows as the rate falls to 0, are left alone.

    Args:
        steps: moved in place: rate times these are added to `rows`.
        sums: of all words, zero; zero again afterwards.
    """
    sums.index_add_(0, rows, steep)
    shorter = sums.index_select(0, rows).mul_(rate * CURVATURE).clamp_(min=1.0).reciprocal_().mul_(rate)
    sums.index_fill_(0, rows, 0.0)
    return steps.mul_(shorter.unsqueeze(1))


def step(inputs: Tensor, outputs: Tensor, stretch: Stretch, rate: float, sums: Tensor) -> None:
    """Move all vectors of a stretch down the gradient, in place.

    Args:
        rate: the learning rate.
        sums: room for one number a word, zero (see `damped`).
    """
    down = descent(inputs, outputs, stretch)
    inputs.index_add_(0, stretch.targets, damped(down.inputs, stretch.targets, down.steep_inputs, rate, sums))
    rows = torch.cat([stretch.words, stretch.noise.view(-1)])
    outputs.index_add_(0, rows, damped(down.outputs, rows, down.steep_outputs, rate, sums))
