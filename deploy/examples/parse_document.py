#!/usr/bin/env python3
"""Outline and size of a document: {"text": "# Title\\n..."} -> {"outline": [...], "words": 123}.

Headings are Markdown's: `# ..` to `###### ..`, and lines underlined by `===` or `---`. Fenced code is no heading and
counts as no words. Each heading has its level, its title, its line and the words up to the next one.
"""

import json
import re
import sys

HEADING = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
WORD = re.compile(r"\w+(?:['’-]\w+)*")


def parse(text):
    """The outline and the number of words."""
    outline, words, fence, before = [], 0, None, ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = FENCE.match(line)
        if fence is not None:
            closes = mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence)
            fence = None if closes else fence
            before = ""
            continue
        if mark:
            fence, before = mark[1], ""
            continue
        heading = HEADING.match(line)
        underline = UNDERLINE.match(line)
        if heading:
            outline.append({"level": len(heading[1]), "title": (heading[2] or "").strip(), "line": number, "words": 0})
            words += len(WORD.findall(heading[2] or ""))
            before = ""
        elif underline and before:
            # The line before was counted as text of the section above: it is this heading's title.
            if outline:
                outline[-1]["words"] -= len(WORD.findall(before))
            level = 1 if underline[1].startswith("=") else 2
            outline.append({"level": level, "title": before, "line": number - 1, "words": 0})
            before = ""
        else:
            count = len(WORD.findall(line))
            words += count
            if outline:
                outline[-1]["words"] += count
            before = line.strip()
    return {"outline": outline, "words": words}


def main():
    try:
        text = json.load(sys.stdin)["text"]
    except (ValueError, KeyError, TypeError) as why:
        sys.exit(f'the input must be JSON like {{"text": "# Title"}}: {why!r}')
    if not isinstance(text, str):
        sys.exit(f"text must be a text, not {type(text).__name__}")
    json.dump(parse(text), sys.stdout)
    print()


if __name__ == "__main__":
    main()
