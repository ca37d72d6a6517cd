"""Verifies proofs and folders of the access log, from deploy/docs/audit-format.md alone. KEYS: the lines of `verifier-keys`.
    verifier.py KEYS proof PROOF [RECORD]              ends with 0 and `ok: ...`, or with 1 and `refused: ...`
    verifier.py KEYS growth PROOF EARLIER-CHECKPOINT
    verifier.py KEYS folder DIR [CHECKPOINTS ...]      files of notes, one after the other, kept elsewhere"""
import base64, hashlib, os, re, sys
from subprocess import CalledProcessError, run
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

def need(held, why):
    if not held:
        raise ValueError(why)

def number(text):
    need(re.fullmatch(r"0|[1-9][0-9]{0,18}", text) and int(text) < 2**63, f"no number: {text[:30]!r}")
    return int(text)

def decoded(text, *lengths):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and len(data) in (lengths or [len(data)]), f"no such base64: {text[:30]!r}")
    return data

def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def node(left, right):
    return sha(b"\1", left, right)

class Key:
    def __init__(self, line):
        text, *last = line.split(" ")
        self.name, key_id, rest = (text.split("+", 2) + ["", ""])[:3]
        public = decoded(rest, 33)
        self.id = sha(self.name.encode(), b"\n", public)[:4]
        need(self.name and public[0] == 1 and self.id.hex() == key_id and len(last) in (0, 2), "no public key of a log")
        self.check = Ed25519PublicKey.from_public_bytes(public[1:]).verify
        self.last = (number(last[0]), decoded(last[1], 32)) if last else None

def signed(note, keys, name):
    """The lines of the text of a note, and those of the keys with this name that signed it."""
    text, gap, lines = note.rpartition("\n\n")
    need(gap and lines.endswith("\n") and not re.search(r"[\x00-\x09\x0b-\x1f]", note), "no signed note")
    signers = []
    for line in lines[:-1].split("\n"):
        words = line.split(" ")
        need(len(words) == 3 and words[0] == "\u2014" and words[1] and "+" not in words[1], "no line with a signature")
        signature = decoded(words[2])
        for key in keys:
            if (key.name, key.id) == (words[1], signature[:4]):
                key.check(signature[4:], text.encode() + b"\n")
                signers.append(key)
    return text.split("\n"), [key for key in signers if key.name == name(text.split("\n"))]

def believed(signers, size, root):
    allowed = (key.last is None or size < key.last[0] or (size, root) == key.last for key in signers)
    need(any(allowed), f"a replaced key signed for size {size}")

def checkpoint(note, keys):
    """Origin, size and root of a checkpoint that one of the keys signed."""
    lines, signers = signed(note, keys, lambda lines: lines[0])
    need(len(lines) == 3 and signers, "no checkpoint that this log signed")
    size, root = number(lines[1]), decoded(lines[2], 32)
    believed(signers, size, root)
    return lines[0], size, root

def pruned(note, keys):
    """Log, first index that is kept, chain hash before it, and size and root of the tree, of a statement that one of the keys signed."""
    lines, signers = signed(note, keys, lambda lines: lines[1].removeprefix("log ") if len(lines) > 1 else "")
    form = re.fullmatch(r"""inzage-audit-pruned 1
log (inzage-[a-z0-9-]{1,32}-[0-9a-f]{16})
first ([0-9]+)
chain ([0-9a-f]{64})
tree ([0-9]+) ([0-9a-f]{64})
retention ([0-9]+)
time ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)""", "\n".join(lines))
    need(form and signers and number(form[6]) >= 0, "no statement of what was removed that this log signed")
    first, size, root = number(form[2]), number(form[4]), bytes.fromhex(form[5])
    believed(signers, size, root)
    need(-(-first // 256) * 256 <= size, "the tile of the first record that is kept is not full")
    return form[1], first, bytes.fromhex(form[3]), (size, root)

def climb(at, last, line, reached):
    """Takes one line of a proof: on the left it belongs to all that is reached, on the right to the last only."""
    need(last > 0, "too many hashes")
    if at % 2 == 0 and at != last:
        reached[-1] = node(reached[-1], line)
        return at // 2, last // 2
    reached[:] = [node(line, each) for each in reached]
    while at % 2 == 0 and at > 0:
        at, last = at // 2, last // 2
    return at // 2, last // 2

def verify_proof(keys, proof, record=None):
    head, _, note = open(proof, encoding="utf-8").read().partition("\n\n")
    form = re.fullmatch(r"c2sp\.org/tlog-proof@v1\n(?:extra (.+)\n)?index (.+)((?:\n.+)*)", head)
    need(form and (record or form[1]), "no proof of this form, or its record is missing")
    payload = open(record, "rb").read() if record else decoded(form[1])
    (origin, size, root), index = checkpoint(note, keys), number(form[2])
    need(index < size, "the index is not below the size")
    at, last, reached = index, size - 1, [sha(b"\0", payload)]
    for line in form[3].split():
        at, last = climb(at, last, decoded(line, 32), reached)
    need(last == 0 and reached == [root], "the hashes do not lead to the root")
    return f"record {index} stands under the checkpoint of size {size} of {origin}"

def verify_growth(keys, proof, earlier):
    head, _, note = open(proof, encoding="utf-8").read().partition("\n\n")
    form = re.fullmatch(r"old (.+)((?:\n.+)*)", head)
    need(form, "no proof of this form")
    lines = [decoded(line, 32) for line in form[2].split()]
    old_origin, old_size, old_root = checkpoint(open(earlier, encoding="utf-8").read(), keys)
    origin, size, root = checkpoint(note, keys)
    need((origin, number(form[1])) == (old_origin, old_size) and old_size <= size, "not about this earlier checkpoint")
    if old_size in (0, size):
        need(not lines and old_root == (root if old_size else sha()), "the roots differ")
        return f"the log {origin} grew from size {old_size} to {size}"
    need(lines, "too few hashes")
    at, last = old_size - 1, size - 1
    while at % 2 == 1:
        at, last = at // 2, last // 2
    both = 2 * [old_root if old_size & (old_size - 1) == 0 else lines.pop(0)]
    for line in lines:
        at, last = climb(at, last, line, both)
    need(last == 0 and both == [old_root, root], "the hashes do not lead to the roots")
    return f"the log {origin} grew from size {old_size} to {size}"

def tile(folder, index):
    groups = re.findall(r"\d{3}", f"{index:021d}"[-3 * max(1, -(-len(str(index)) // 3)):])
    return open("/".join([folder, "tile/0", *("x" + group for group in groups[:-1]), groups[-1]]), "rb").read()

def segment(path):
    raw = path.endswith(".log")
    return open(path, "rb").read() if raw else run(["zstd", "-dcq", path], check=True, capture_output=True).stdout

def leaves(folder, removed):
    """The hash of every record, with form and chain of the segments checked; from tiles for what was removed."""
    names = [name for name in os.listdir(folder) if re.fullmatch(r"segment-[0-9]{20}\.log(\.zst)?", name)]
    (log, index, chain, _), version = removed or (None, 0, None, None), "1"
    found = {int(name[8:28]): f"{folder}/{name}" for name in sorted(names, reverse=True) if int(name[8:28]) >= index}
    need(found and min(found) == index, f"broken at index {index}: the first segment is missing")
    yield from (tile(folder, at // 256)[at % 256 * 32:][:32] for at in range(index))
    for first in sorted(found):
        data, torn = segment(found[first]), first == max(found)
        words = data.partition(b"\n")[0].decode("ascii", "replace").split(" ")
        if torn and b"\n" not in data:
            return
        need(len(words) == 5 and version <= words[1] <= "2", f"broken at index {index}: the version of segment {first}")
        log, version = log or words[2], words[1]
        chain = chain or sha(f"inzage-audit-log {version} {log}\n".encode())
        whole = ["inzage-audit-segment", version, log, str(first), chain.hex()] == words and first == index
        need(whole, f"broken at index {index}: the header of segment {first}")
        at = len(" ".join(words)) + 1
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at:at + 4], "little")
            if torn and end + 32 > len(data):
                return
            leaf = sha(b"\0", data[at + 4:end])
            chain = sha(chain, data[at + 4:end]) if version == "1" else sha(b"\2", chain, leaf)
            need(1 <= end - at - 4 <= 16384 and chain == data[end:end + 32], f"broken at index {index}: segment {first}")
            yield leaf
            index, at = index + 1, end + 32

def notes(path):
    text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    return re.findall(r"(?:(?!\u2014 ).*\n)+(?:\u2014 .*\n)+", text)

def verify_folder(keys, folder, *outside):
    files = [f"{folder}/checkpoint", f"{folder}/checkpoints", *outside]
    claims = {checkpoint(note, keys)[1:] for path in files for note in notes(path)}
    need(claims, "no checkpoint")
    removed = pruned(open(f"{folder}/pruned", encoding="utf-8").read(), keys) if os.path.exists(f"{folder}/pruned") else None
    claims |= {removed[3]} if removed else set()
    sizes, row, count = {size for size, _ in claims}, [], 0
    for leaf in leaves(folder, removed):
        rest, count = count, count + 1
        while rest % 2 == 1:
            leaf, rest = node(row.pop(), leaf), rest // 2
        row.append(leaf)
        if count in sizes:
            root = row[-1]
            for left in reversed(row[:-1]):
                root = node(left, root)
            need((count, root) in claims and sum(size == count for size, _ in claims) == 1, f"another root at size {count}")
    need(max(sizes) <= count, f"cut off: a checkpoint covers {max(sizes)} records, and there are {count}")
    gone = f", the first {removed[1]} removed after their retention" if removed else ""
    return f"{count} records{gone}, under {len(claims)} checkpoints, the newest of size {max(sizes)}"

if __name__ == "__main__":
    verify = {"proof": verify_proof, "growth": verify_growth, "folder": verify_folder}
    try:
        known = [Key(line) for line in open(sys.argv[1], encoding="utf-8").read().splitlines()]
        print("ok:", verify[sys.argv[2]](known, *sys.argv[3:]))
    except (ValueError, OSError, InvalidSignature, CalledProcessError) as error:
        sys.exit(f"refused: {str(error) or 'a signature does not fit'}")
