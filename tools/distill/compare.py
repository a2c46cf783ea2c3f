"""Compares static tables: nearness to the teacher, and recall on retrieval sets given by path.

The retrieval sets are for looking only. Nothing in the recipe is chosen by
them, and neither they nor their words are part of the repository.
"""

import argparse
import gzip
import json
import math
import pathlib
import re
from collections import Counter, defaultdict

import numpy as np
from tokenizers import Tokenizer

import pack
import regress
import vocabulary
from distill import read_passages
from teacher import TOKENS_MAX, Teacher

K1, B = 0.9, 0.4
STOP_WORDS = set(
    "a an and are as at be but by for from had has have he her his i in is it its me my of on or our she so "
    "that the their them they this to was we were will with you your what when where who which why how did does "
    "do many much".split()
)


class Table:
    """A static table with its tokenizer."""

    def __init__(self, name, tokens, rows):
        self.name, self.rows = name, rows
        self.tokenizer = vocabulary.tokenizer_of(tokens)

    @classmethod
    def read(cls, spec):
        """Reads `model.bin`, or `rows.bin:vocab.txt` (int8 rows of 128, then f16 scales)."""
        path, _, words = spec.partition(":")
        raw = pathlib.Path(path).read_bytes()
        if not words:
            return cls(path, *pack.unpack(raw))
        tokens = vocabulary.read_vocabulary(words)
        count = len(tokens)
        rows = np.frombuffer(raw, np.int8, count * 128).reshape(count, 128)
        scales = np.frombuffer(raw, "<f2", count, count * 128).astype(np.float32)
        kept = [i for i, token in enumerate(tokens) if not (token[0] == "[" and token[-1] == "]" and len(token) > 2)]
        return cls(path, [tokens[i] for i in kept], (rows * scales[:, None])[kept])

    def encode(self, texts):
        """Returns one vector of length 1 per text."""
        out = np.zeros((len(texts), self.rows.shape[1]), np.float32)
        for index, row in enumerate(self.tokenizer.encode_batch(texts)):
            ids = [i for i in row.ids if i < len(self.rows)]
            if ids:
                out[index] = self.rows[ids].sum(axis=0)
        return regress.unit(out)


class TeacherTable:
    """The teacher behind the same interface."""

    def __init__(self, folder):
        self.name = "teacher"
        self.teacher = Teacher(folder)
        self.tokenizer = Tokenizer.from_file(str(pathlib.Path(folder) / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(TOKENS_MAX)

    def encode(self, texts):
        """Returns one vector of length 1 per text."""
        return regress.unit(self.teacher.encode([row.ids for row in self.tokenizer.encode_batch(texts)]))


def words_of(text):
    """Returns plain lower-case words, a crude plural cut, stop words out."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())
    return [w[:-1] if len(w) > 3 and w.endswith("s") else w for w in words if w not in STOP_WORDS]


class Bm25:
    """A plain BM25 over a list of texts."""

    def __init__(self, texts):
        self.postings, lengths = defaultdict(list), []
        for index, text in enumerate(texts):
            counts = Counter(words_of(text))
            lengths.append(sum(counts.values()))
            for word, count in counts.items():
                self.postings[word].append((index, count))
        self.lengths = np.array(lengths, np.float32)
        self.damping = K1 * (1 - B + B * self.lengths / max(self.lengths.mean(), 1))

    def scores(self, question):
        """Returns the score of every text."""
        out = np.zeros(len(self.lengths), np.float32)
        for word in set(words_of(question)):
            found = self.postings.get(word, [])
            idf = math.log(1 + (len(out) - len(found) + 0.5) / (len(found) + 0.5))
            for index, count in found:
                out[index] += idf * count * (K1 + 1) / (count + self.damping[index])
        return out


def recall_lines(name, sets, tables):
    """Prints recall at 10 of each table alone and fused half and half with BM25."""
    answers = {table.name: [[], []] for table in tables}
    alone = []
    for documents, questions in sets:
        index = Bm25(documents)
        vectors = {table.name: (table.encode(documents), table.encode([q for q, _ in questions])) for table in tables}
        for number, (question, gold) in enumerate(questions):

            def recall(scores, gold=gold):
                top = np.argsort(-scores, kind="stable")[:10]
                return len(gold & set(top.tolist())) / len(gold)

            text = index.scores(question)
            text /= max(text.max(), 1e-9)
            alone.append(recall(text))
            for table in tables:
                documents_of, questions_of = vectors[table.name]
                near = np.maximum(documents_of @ questions_of[number], 0)
                near /= max(near.max(), 1e-9)
                answers[table.name][0].append(recall(near))
                answers[table.name][1].append(recall(near / 2 + text / 2))
    print(f"{name}: {len(alone)} questions, BM25 alone R@10 {100 * np.mean(alone):.1f}")
    for table in tables:
        vector, fused = (100 * np.mean(values) for values in answers[table.name])
        print(f"  {table.name}: vector only R@10 {vector:.1f}, fused {fused:.1f}")


def conversations(path):
    """Returns (turns, questions with the indexes of their evidence) per conversation of a LoCoMo file."""
    for entry in json.loads(pathlib.Path(path).read_text()):
        turns, place = [], {}
        talk = entry["conversation"]
        for key in sorted(talk):
            if re.fullmatch(r"session_\d+", key):
                for turn in talk[key]:
                    place[turn["dia_id"]] = len(turns)
                    turns.append(f"{turn['speaker']}: {turn['text']}")
        pairs = [(q["question"], {place[e] for e in q["evidence"] if e in place}) for q in entry["qa"]]
        yield turns, [(question, gold) for question, gold in pairs if gold]


def functions(path):
    """Returns the functions and questions of a CoSQA file."""
    data = json.loads(gzip.decompress(pathlib.Path(path).read_bytes()))
    return data["documents"], [(q["query"], {q["answer"]}) for q in data["queries"]]


def main():
    """Prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="+", help="model.bin, or rows.bin:vocab.txt")
    parser.add_argument("--teacher", help="its folder; the teacher is then compared too")
    parser.add_argument("--texts", help="passages; pairs of about 2,000 of them are compared with the teacher")
    parser.add_argument("--locomo", help="a LoCoMo JSON file")
    parser.add_argument("--cosqa", help="a gzipped JSON of documents and questions")
    args = parser.parse_args()
    tables = [Table.read(spec) for spec in args.tables]
    teacher = TeacherTable(args.teacher) if args.teacher else None
    everyone = [*tables, teacher] if teacher else tables

    if args.texts and teacher:
        texts = read_passages(args.texts, 2000)
        upper = np.triu_indices(len(texts), 1)
        wanted = teacher.encode(texts)
        wanted = (wanted @ wanted.T)[upper]
        for table in tables:
            got = table.encode(texts)
            agreement = np.corrcoef((got @ got.T)[upper], wanted)[0, 1]
            print(f"{table.name}: correlation of pairwise cosines with the teacher {agreement:.4f}")
    if args.locomo:
        recall_lines("LoCoMo turns", list(conversations(args.locomo)), everyone)
    if args.cosqa:
        recall_lines("CoSQA", [functions(args.cosqa)], everyone)


if __name__ == "__main__":
    main()
