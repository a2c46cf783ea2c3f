"""The file format of the static model; `crates/steadfast-embed/src/table.rs` describes and reads it."""

import struct

import blake3
import numpy as np

import vocabulary

MAGIC = b"SFSTATIC"
FORMAT = 1
RULES = 1
BUCKET_BITS = 15
HASH_START = (0x243F6A8885A308D3, 0x13198A2E03707344)  # whole words, continuations
HASH_FACTOR = 0x9E3779B97F4A7C15
BLOCK = 128
SCALE_MAX = 32767
HEADER = struct.Struct("<8sII16s8I")


def hash_of(symbols, continues):
    """Returns the 64-bit hash of a token's symbols."""
    value = HASH_START[continues]
    for symbol in symbols:
        value = ((value ^ symbol) * HASH_FACTOR) & 0xFFFFFFFFFFFFFFFF
    return value


def quantise(table):
    """Returns (int8 rows, scales from 1 to SCALE_MAX in a common unit)."""
    widest = np.abs(table).max(axis=1)
    unit = widest.max() / 127 / SCALE_MAX
    scales = np.clip(np.rint(widest / 127 / unit), 1, SCALE_MAX)
    rows = np.clip(np.rint(table / (scales * unit)[:, None]), -127, 127)
    return rows.astype(np.int8), scales.astype(np.uint16)


def pack(tokens, table):
    """Returns the bytes of the model file."""
    codes = vocabulary.symbols_of(tokens)
    points, classes = vocabulary.character_table(codes)
    rows, scales = quantise(table)

    keys = []
    for index, token in enumerate(tokens):
        continues, body = vocabulary.body_of(token)
        symbols = bytes(codes[c] for c in body)
        value = hash_of(symbols, continues)
        fingerprint = (value >> 33) & 0xFFFE | int(continues)
        keys.append((value >> (64 - BUCKET_BITS), fingerprint, symbols, index))
    keys.sort()
    order = [key[3] for key in keys]
    strings = b"".join(key[2] for key in keys)
    offsets = np.cumsum([0] + [len(key[2]) for key in keys]).astype("<u4")
    starts = np.searchsorted([key[0] for key in keys], np.arange((1 << BUCKET_BITS) + 1)).astype("<u2")
    fingerprints = np.array([key[1] for key in keys], "<u2")

    blocks, first, stage = {}, bytearray(), bytearray()
    for at in range(0, len(points), BLOCK):
        block = points[at : at + BLOCK]
        if block not in blocks:
            blocks[block] = len(blocks)
            stage += block
        first.append(blocks[block])
    characters = np.zeros(256, "<u4")
    for character, code in codes.items():
        characters[code] = ord(character)

    body = b"".join(
        [
            classes,
            characters.tobytes(),
            bytes(first),
            bytes(stage),
            starts.tobytes(),
            fingerprints.tobytes(),
            offsets.tobytes(),
            strings,
            scales[order].astype("<u2").tobytes(),
            rows[order].tobytes(),
        ]
    )
    longest = max(len(key[2]) for key in keys)
    numbers = (table.shape[1], len(tokens), BUCKET_BITS, len(blocks), len(strings), longest, 0, 0)
    blank = HEADER.pack(MAGIC, FORMAT, RULES, bytes(16), *numbers)
    digest = blake3.blake3(blank + body).digest()[:16]
    return HEADER.pack(MAGIC, FORMAT, RULES, digest, *numbers) + body


def unpack(raw):
    """Returns (tokens in the order of the rows, table as f32) of a model file."""
    magic, form, _, digest, dimensions, count, bits, blocks, string_bytes, _, _, _ = HEADER.unpack_from(raw)
    if magic != MAGIC or form != FORMAT:
        raise ValueError("not a static model of this format")
    blank = raw[:16] + bytes(16) + raw[32:]
    if blake3.blake3(blank).digest()[:16] != digest:
        raise ValueError("the hash in the header does not fit the bytes")
    at = HEADER.size + 256
    characters = np.frombuffer(raw, "<u4", 256, at)
    at += 1024 + 0x110000 // BLOCK + blocks * BLOCK + 2 * ((1 << bits) + 1)
    fingerprints = np.frombuffer(raw, "<u2", count, at)
    at += 2 * count
    offsets = np.frombuffer(raw, "<u4", count + 1, at)
    at += 4 * (count + 1)
    strings = raw[at : at + string_bytes]
    at += string_bytes
    scales = np.frombuffer(raw, "<u2", count, at).astype(np.float32)
    at += 2 * count
    rows = np.frombuffer(raw, np.int8, count * dimensions, at).reshape(count, dimensions)
    tokens = []
    for index in range(count):
        body = "".join(chr(characters[c]) for c in strings[offsets[index] : offsets[index + 1]])
        tokens.append(vocabulary.CONTINUES + body if fingerprints[index] & 1 else body)
    return tokens, rows * scales[:, None] / (127 * SCALE_MAX)
