"""Asks the real Chroma what a palace holds, and prints one JSON object.

    python prove.py PALACE [--write N DIMENSION]

Per collection: `count`, `got` (rows with text and vector), `found` (rows that
a query with their own vector returns), and `failed` (what Chroma said).
An HNSW index is approximate, so a query is widened before a row is called
missing. With `--write`, N rows of that many dimensions are written first, by a process
that has asked nothing before, into the last collection by name.
"""

import json
import random
import sys

import chromadb

WIDTHS = (5, 100, 1000)


def collections(client):
    for named in client.list_collections():
        # Chroma 0.6 lists names, 1.x collections.
        name = str(named) if chromadb.__version__.startswith("0.") else named.name
        yield name, client.get_collection(name, embedding_function=None)


def is_found(collection, count, name, vector):
    for width in WIDTHS:
        hits = collection.query(
            query_embeddings=[vector], n_results=min(width, count), include=[]
        )
        if name in hits["ids"][0]:
            return True
    return False


def ask(collection):
    said = {"count": None, "got": None, "found": None, "failed": None}
    try:
        said["count"] = collection.count()
        rows = collection.get(include=["embeddings", "documents", "metadatas"])
        vectors = rows["embeddings"]
        said["got"] = sum(
            1 for text, vector in zip(rows["documents"], vectors) if text is not None and len(vector)
        )
        said["ids"] = sorted(rows["ids"])
        found = [
            is_found(collection, said["count"], name, vector)
            for name, vector in zip(rows["ids"], vectors)
        ]
        said["found"] = sum(found)
        said["vectors"] = {
            name: [float(number) for number in vector[:4]]
            for name, vector in zip(rows["ids"], vectors)
        }
    except Exception as error:  # what Chroma raises has no common type
        said["failed"] = f"{type(error).__name__}: {error}"
    return said


def main(folder, count, dimension):
    client = chromadb.PersistentClient(folder)
    if count:
        numbers = random.Random(count)
        name, collection = sorted(collections(client), key=lambda pair: pair[0])[-1]
        names = [f"written {number}" for number in range(count)]
        collection.upsert(
            ids=names,
            embeddings=[[numbers.uniform(-1, 1) for _ in range(dimension)] for _ in names],
            documents=names,
        )
    said = {name: ask(collection) for name, collection in collections(client)}
    print(json.dumps({"version": chromadb.__version__, "collections": said}))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    wrote = arguments[1:2] == ["--write"]
    main(
        arguments[0],
        int(arguments[2]) if wrote else 0,
        int(arguments[3]) if wrote else 0,
    )
