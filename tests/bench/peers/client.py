"""What a client of a peer does for the bench: a line of JSON in, `[verb, arguments]`, and a line of JSON out."""

import json
import sys


def serve(*verbs):
    known = {verb.__name__: verb for verb in verbs}
    for line in sys.stdin:
        verb, arguments = json.loads(line)
        print(json.dumps(known[verb](**arguments)), flush=True)
