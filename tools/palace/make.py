"""Makes the small palaces that the tests of the palace doctor start from, with the real Chroma.

    python make.py FOLDER        # with chromadb 1.5.9, and again with chromadb 0.6.3

Two collections: one whose index was written several times and lags behind the
queue, with an update and deletions, and one whose index was never written.
The files are then compressed one by one with `zstd -19` into
`crates/steadfast/tests/palace/chroma-<version>/`, a segment's under
`<uuid>/`. Vectors and texts come from a fixed seed; ids of segments do not,
so making them again changes the files.
"""

import random
import shutil
import sys

import chromadb

DIMENSION = 8


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    client = chromadb.PersistentClient(folder)
    numbers = random.Random(5)

    def vector():
        return [numbers.uniform(-2, 2) for _ in range(DIMENSION)]

    settings = {"hnsw:space": "cosine", "hnsw:batch_size": 5, "hnsw:sync_threshold": 10}
    drawers = client.get_or_create_collection("mempalace_drawers", metadata=settings)
    for first in range(0, 39, 3):
        names = [f"d{number}" for number in range(first, first + 3)]
        drawers.add(
            ids=names,
            embeddings=[vector() for _ in names],
            documents=[f"the text of {name}" for name in names],
            metadatas=[{"wing": "w", "room": "r", "chunk_index": first} for _ in names],
        )
    drawers.update(ids=["d3"], embeddings=[vector()], metadatas=[{"chunk_index": 333}])
    drawers.delete(ids=["d4", "d38"])
    closets = client.get_or_create_collection("mempalace_closets", metadata=settings)
    names = ["c0", "c1", "c2"]
    closets.add(ids=names, embeddings=[vector() for _ in names], documents=names)
    print(chromadb.__version__, drawers.count(), closets.count())


if __name__ == "__main__":
    main(sys.argv[1])
