#!/usr/bin/env python3
"""Prime factors of a whole number: {"n": 360} -> {"n": 360, "factors": [2, 2, 2, 3, 3, 5]}.

Trial division first, then Pollard's rho in Brent's form with Miller-Rabin. A product of two primes of nine digits
takes a second, of two primes of fifteen digits about a minute, of eighteen for ever: a good job to cancel. Progress goes to
the descriptor that DAYFLY_EVENTS_FD names, one JSON a line; without it the program runs as well.
"""

import json
import math
import os
import sys
import time

TRIAL_LIMIT = 5_000_000
SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
BATCH = 1024


class Progress:
    """Tells how far the work is, at most five times a second."""

    def __init__(self):
        descriptor = os.environ.get("DAYFLY_EVENTS_FD")
        self.pipe = open(int(descriptor), "w", encoding="utf-8") if descriptor else None
        self.next_at = 0.0

    def tell(self, fraction, message):
        now = time.monotonic()
        if self.pipe is not None and now >= self.next_at:
            self.next_at = now + 0.2
            print(json.dumps({"progress": round(fraction, 4), "message": message}), file=self.pipe, flush=True)


def is_prime(n):
    """Miller-Rabin: certain below 3.3e24 (Sorenson, Webster 2015), beyond that wrong for less than one in 10^15."""
    if n < 2:
        return False
    for p in SMALL_PRIMES:
        if n % p == 0:
            return n == p
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    bases = SMALL_PRIMES if n < 3_317_044_064_679_887_385_961_981 else range(2, 40)
    for base in bases:
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def trial_division(n, progress):
    """Divides out every prime up to TRIAL_LIMIT: the factors found, and what is left."""
    found = []
    for p in (2, 3, 5):
        while n % p == 0:
            found.append(p)
            n //= p
    candidate, steps, at = 7, (4, 2, 4, 2, 4, 6, 2, 6), 0
    limit = min(TRIAL_LIMIT, math.isqrt(n))
    while candidate <= limit:
        if n % candidate == 0:
            found.append(candidate)
            n //= candidate
            limit = min(TRIAL_LIMIT, math.isqrt(n))
            continue
        candidate += steps[at]
        at = (at + 1) % 8
        if at == 0 and candidate % 7 == 0:
            progress.tell(0.3 * candidate / limit, f"trial division at {candidate}")
    return found, n


def rho(n, progress):
    """A proper factor of an odd composite n."""
    expected = math.isqrt(math.isqrt(n)) + 1
    for c in range(1, n):
        y, g, r, q, rounds = 2, 1, 1, 1, 0
        while g == 1:
            x = y
            for _ in range(r):
                y = (y * y + c) % n
            k = 0
            while k < r and g == 1:
                saved = y
                for _ in range(min(BATCH, r - k)):
                    y = (y * y + c) % n
                    q = q * abs(x - y) % n
                g = math.gcd(q, n)
                k += BATCH
                rounds += BATCH
                progress.tell(0.3 + 0.69 * (1 - math.exp(-rounds / expected)), f"rho on {n}, round {rounds}")
            r *= 2
        if g == n:
            g = 1
            while g == 1:
                saved = (saved * saved + c) % n
                g = math.gcd(abs(x - saved), n)
        if g != n:
            return g
    raise ArithmeticError(f"no factor of {n}")


def factors(n, progress):
    """All prime factors of n >= 1, in order, each as often as it divides n."""
    found, rest = trial_division(n, progress)
    todo = [rest] if rest > 1 else []
    while todo:
        m = todo.pop()
        root = math.isqrt(m)
        if is_prime(m):
            found.append(m)
        elif root * root == m:
            todo += [root, root]
        else:
            g = rho(m, progress)
            todo += [g, m // g]
    return sorted(found)


def read_input():
    try:
        n = json.load(sys.stdin)["n"]
    except (ValueError, KeyError, TypeError) as why:
        sys.exit(f'the input must be JSON like {{"n": 360}}: {why!r}')
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        sys.exit(f"n must be a whole number of at least 1, not {n!r}")
    return n


def main():
    n = read_input()
    json.dump({"n": n, "factors": factors(n, Progress())}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
