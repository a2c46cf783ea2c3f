"""The arithmetic of the distillation: basis, plain table, tuned table, mix. Numpy only."""

import numpy as np

SIF = 1e-4
MIX_TUNED = 0.7
PLAIN_NORM = 2.0


def unit(rows):
    """Returns the rows at length 1; rows of zeros stay."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def basis_of(sentences, dimensions):
    """Returns the top eigenvectors of the uncentred covariance, and the share of energy they keep."""
    values, vectors = np.linalg.eigh(sentences.T.astype(np.float64) @ sentences.astype(np.float64))
    return vectors[:, ::-1][:, :dimensions].astype(np.float32), values[::-1][:dimensions].sum() / values.sum()


def plain_table(token_vectors, ids, basis):
    """Returns centred token vectors in the basis, frequent ones damped, at a mean norm of PLAIN_NORM.

    `ids` are positions in the full vocabulary, which is roughly in order of
    frequency: Zipf's law over the position stands in for counts.
    """
    inverse = 1.0 / np.arange(2, 30522 + 2)
    frequency = (inverse / inverse.sum())[ids]
    weight = SIF / (SIF + frequency)
    rows = (token_vectors - token_vectors.mean(axis=0)) @ basis * weight[:, None]
    return (rows * (PLAIN_NORM / np.linalg.norm(rows, axis=1).mean())).astype(np.float32)


def pool(table, rows, bounds):
    """Returns the sum of table rows for each text; `rows` are all token ids, `bounds` where texts start."""
    return np.add.reduceat(table[rows], bounds[:-1], axis=0)


def flatten(texts):
    """Returns (all ids, bounds) of non-empty id lists."""
    bounds = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=bounds[1:])
    return np.concatenate([np.asarray(text, np.int64) for text in texts]), bounds


def held_out_cosine(table, texts, targets):
    """Returns the mean cosine between pooled texts and their targets."""
    return float((unit(pool(table, *flatten(texts))) * unit(targets)).sum(axis=1).mean())


def rate_at(progress, top):
    """Returns the learning rate of a one-cycle plan: a warm-up over 30 %, then a cosine down to nothing."""
    if progress < 0.3:
        low, high, share = top / 25, top, progress / 0.3
    else:
        low, high, share = top / 250000, top, 1 - (progress - 0.3) / 0.7
    return low + (high - low) * (1 - np.cos(np.pi * share)) / 2


def tune(table, texts, targets, *, epochs=7, batch=2048, rate=1.2e-2, seed=1, note=None):
    """Returns the table after Adam on 1 - cos(mean of token vectors, target)."""
    table, targets = table.copy(), unit(targets)
    random = np.random.default_rng(seed)
    first, second = np.zeros_like(table), np.zeros_like(table)
    steps_per_epoch = -(-len(texts) // batch)
    step = 0
    for epoch in range(epochs):
        order, loss_sum = random.permutation(len(texts)), 0.0
        for at in range(0, len(order), batch):
            part = order[at : at + batch]
            rows, bounds = flatten([texts[i] for i in part])
            lengths = np.diff(bounds)[:, None].astype(np.float32)
            means = pool(table, rows, bounds) / lengths
            norms = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
            ours, wanted = means / norms, targets[part]
            cosine = (ours * wanted).sum(axis=1, keepdims=True)
            loss_sum += float((1 - cosine).sum())
            pull = (cosine * ours - wanted) / norms / lengths / len(part)
            owners = np.repeat(np.arange(len(part)), np.diff(bounds))
            sorting = np.argsort(rows, kind="stable")
            used, starts = np.unique(rows[sorting], return_index=True)
            gradient = np.zeros_like(table)
            gradient[used] = np.add.reduceat(pull[owners[sorting]], starts, axis=0)

            step += 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient * gradient
            speed = rate_at((step - 1) / (steps_per_epoch * epochs), rate)
            correction = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            table -= (speed * correction) * first / (np.sqrt(second) + 1e-8)
        if note:
            note(f"epoch {epoch + 1}: loss {loss_sum / len(texts):.4f}")
    return table
