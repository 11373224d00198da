#!/usr/bin/env python3
"""A slow fingerprint: {"example_parameter": "x"} -> {"example_parameter": "x", "rounds": .., "fingerprint": ".."}.

It stands for whatever an older service computed behind its form; the task's route keeps that service's URL working.
"""

import hashlib
import json
import os
import sys

ROUNDS = 600_000
TOLD_EVERY = 100_000


def fingerprint(text, tell):
    """SHA-256 over itself, ROUNDS times."""
    digest = text.encode()
    for number in range(1, ROUNDS + 1):
        digest = hashlib.sha256(digest).digest()
        if number % TOLD_EVERY == 0:
            tell(number / ROUNDS)
    return digest.hex()


def main():
    try:
        parameter = json.load(sys.stdin)["example_parameter"]
    except (ValueError, KeyError, TypeError) as why:
        sys.exit(f'the input must be JSON like {{"example_parameter": "x"}}: {why!r}')
    if not isinstance(parameter, str) or not parameter:
        sys.exit(f"example_parameter must be a text with something in it, not {parameter!r}")
    descriptor = os.environ.get("DAYFLY_EVENTS_FD")
    pipe = open(int(descriptor), "w", encoding="utf-8") if descriptor else None

    def tell(fraction):
        if pipe is not None:
            print(json.dumps({"progress": round(fraction, 3)}), file=pipe, flush=True)

    result = {"example_parameter": parameter, "rounds": ROUNDS, "fingerprint": fingerprint(parameter, tell)}
    json.dump(result, sys.stdout)
    print()


if __name__ == "__main__":
    main()
