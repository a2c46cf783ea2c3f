"""Makes the static model file from the teacher and a file of training passages; see README.md."""

import argparse
import hashlib
import json
import pathlib
import sys

import numpy as np
from tokenizers import Tokenizer

import pack
import regress
import vocabulary
from teacher import TOKENS_MAX, Teacher

HELD_OUT = 2000


def note(text):
    """Talks to the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


def read_passages(path, limit):
    """Returns the texts of a JSON-lines file, every n-th of them when there are more than `limit`."""
    with open(path, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines if line.strip()]
    if limit and len(texts) > limit:
        texts = texts[:: -(-len(texts) // limit)]
    return texts


def teacher_vectors(args, texts):
    """Returns (token vectors, sentence vectors of length 1), from the cache when it fits."""
    key = hashlib.sha256("\0".join([args.precision, *texts]).encode()).hexdigest()[:16]
    cached = pathlib.Path(args.cache) / f"minilm-{key}.npz"
    if cached.exists():
        note(f"teacher vectors from {cached}")
        stored = np.load(cached)
        return stored["tokens"], stored["sentences"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(pathlib.Path(args.teacher) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS_MAX)
    teacher = Teacher(args.teacher, args.precision)
    starts, ends = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokens = teacher.encode([[starts, i, ends] for i in range(tokenizer.get_vocab_size())], note=note)
    sentences = teacher.encode([row.ids for row in tokenizer.encode_batch(texts)], note=note)
    sentences = regress.unit(sentences)
    np.savez(cached, tokens=tokens, sentences=sentences.astype(np.float16))
    return tokens, sentences


def main():
    """Runs the recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True, help="folder with model.safetensors, tokenizer.json, vocab.txt")
    parser.add_argument("--texts", required=True, help="JSON lines with a field `text`")
    parser.add_argument("--output", required=True, help="the model file to write")
    parser.add_argument("--cache", required=True, help="folder for the teacher's vectors")
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--passages-max", type=int, default=0, help="use evenly spaced passages only (0: all)")
    parser.add_argument("--precision", default="bf16", choices=["bf16", "f32"], help="the teacher's arithmetic")
    args = parser.parse_args()

    words = vocabulary.read_vocabulary(pathlib.Path(args.teacher) / "vocab.txt")
    ids = vocabulary.kept_ids(words)
    kept = [words[i] for i in ids]
    tokenizer = vocabulary.tokenizer_of(kept)
    texts = read_passages(args.texts, args.passages_max)
    note(f"{len(texts)} passages, {len(kept)} of {len(words)} tokens kept")
    tokens, sentences = teacher_vectors(args, texts)

    # The teacher saw at most TOKENS_MAX tokens, so the table is shown no more.
    rows = [[i for i in row.ids if i < len(kept)][: TOKENS_MAX - 2] for row in tokenizer.encode_batch(texts)]
    order = [i for i in np.random.default_rng(0).permutation(len(texts)) if rows[i]]
    held, train = order[:HELD_OUT], order[HELD_OUT:]
    basis, energy = regress.basis_of(sentences[train], args.dimensions)
    targets = sentences @ basis
    note(f"the basis keeps {energy:.4f} of the energy")

    def check(name, table):
        cosine = regress.held_out_cosine(table, [rows[i] for i in held], targets[held])
        note(f"{name}: held-out cosine {cosine:.4f}, mean norm {np.linalg.norm(table, axis=1).mean():.3f}")

    plain = regress.plain_table(tokens[ids], np.array(ids), basis)
    check("plain", plain)
    tuned = regress.tune(plain, [rows[i] for i in train], targets[train], note=note)
    check("tuned", tuned)
    mixed = regress.MIX_TUNED * tuned + (1 - regress.MIX_TUNED) * plain
    check("mixed", mixed)

    raw = pack.pack(kept, mixed)
    stored_tokens, stored = pack.unpack(raw)
    place = {token: i for i, token in enumerate(stored_tokens)}
    check("as stored", stored[[place[token] for token in kept]])
    pathlib.Path(args.output).write_bytes(raw)
    note(f"{args.output}: {len(raw)} bytes")


if __name__ == "__main__":
    main()
