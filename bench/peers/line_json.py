"""Reads orders as lines of JSON and answers in lines: {"do": NAME, "with": {...}} -> {"ok": ...} or {"error": "..."}."""

import json
import os
import sys
import traceback


def serve(**does) -> None:
    answers = os.fdopen(os.dup(1), "w")
    # Text that libraries print must not mix with the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = {"ok": does[order["do"]](**order.get("with", {}))}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
