"""Which WordPiece tokens are kept, and what the normaliser does with each character.

Both are asked of the reference tokenizer (`BertNormalizer`,
`BertPreTokenizer`), one character at a time, so the packed tables repeat its
answers and not somebody's reading of its rules.
"""

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

UNKNOWN = "[UNK]"
CONTINUES = "##"

# Character ranges whose tokens are kept. MiniLM is an English model: of other
# scripts the vocabulary has single letters only, which carry no meaning but
# pull every text of that script to the same place.
KEPT_RANGES = [
    (0x0000, 0x024F),  # Latin
    (0x0370, 0x03FF),  # Greek: letters of formulas
    (0x2010, 0x2044),  # typographic punctuation
    (0x20A0, 0x22FF),  # currency, letterlike, arrows, mathematical operators
]

DROP, SPACE, FOREIGN_LETTER, FOREIGN_ISOLATED = 0, 1, 2, 3
LETTER, ISOLATED = 0, 1
# Codes of characters beyond ASCII: the upper half, then the unused control codes.
FREE_CODES = [*range(128, 256), *range(4, 32)]


def read_vocabulary(path):
    """Returns the tokens of a vocab.txt in the order of their ids."""
    with open(path, encoding="utf-8") as lines:
        return [line.rstrip("\n") for line in lines]


def body_of(token):
    """Returns (continues a word, text without the prefix)."""
    if token.startswith(CONTINUES) and len(token) > len(CONTINUES):
        return True, token[len(CONTINUES) :]
    return False, token


def kept_ids(vocabulary):
    """Returns the ids of the tokens that are in the kept ranges and that some text can produce."""
    normalizer, splitter = BertNormalizer(), BertPreTokenizer()
    kept = []
    for index, token in enumerate(vocabulary):
        continues, body = body_of(token)
        if not all(any(a <= ord(c) <= b for a, b in KEPT_RANGES) for c in body):
            continue
        # With a letter in front, punctuation would be split off: such a token is never produced.
        probe = "a" + body if continues else body
        pieces = [piece for piece, _ in splitter.pre_tokenize_str(normalizer.normalize_str(probe))]
        if pieces == [probe]:
            kept.append(index)
    return kept


def tokenizer_of(tokens):
    """Returns the reference tokenizer over `tokens`; ids are positions, [UNK] is the id after the last."""
    ids = {token: index for index, token in enumerate(tokens)}
    ids[UNKNOWN] = len(tokens)
    tokenizer = Tokenizer(WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def symbols_of(tokens):
    """Returns the code of each character that occurs in `tokens`: ASCII is itself."""
    characters = sorted({c for token in tokens for c in body_of(token)[1]})
    beyond = [c for c in characters if ord(c) >= 128]
    if len(beyond) > len(FREE_CODES):
        raise ValueError(f"{len(beyond)} characters beyond ASCII, room for {len(FREE_CODES)}")
    codes = {c: ord(c) for c in characters if ord(c) < 128}
    codes.update(zip(beyond, FREE_CODES))
    return codes


def character_table(codes):
    """Returns (symbol of each code point, class of each symbol) as the reference treats them."""
    normalizer, splitter = BertNormalizer(), BertPreTokenizer()
    table = bytearray(0x110000)
    classes = bytearray(256)
    for point in range(0x110000):
        if 0xD800 <= point <= 0xDFFF:
            continue
        # Between two letters the four outcomes look different.
        text = normalizer.normalize_str("a" + chr(point) + "b")
        pieces = [piece for piece, _ in splitter.pre_tokenize_str(text)]
        if pieces == ["ab"]:
            symbol = DROP
        elif pieces == ["a", "b"]:
            symbol = SPACE
        elif len(pieces) == 1:
            image = pieces[0][1:-1]
            symbol = codes.get(image, FOREIGN_LETTER)
            if symbol == FOREIGN_LETTER and all(c in codes for c in image):
                raise ValueError(f"U+{point:04X} becomes {image!r}: more than one symbol")
        else:
            if len(pieces) != 3 or pieces[0] != "a" or pieces[2] != "b":
                raise ValueError(f"U+{point:04X} becomes {pieces}")
            symbol = codes.get(pieces[1], FOREIGN_ISOLATED)
            classes[symbol] = ISOLATED
        table[point] = symbol
    return bytes(table), bytes(classes)
