"""Orders as lines of JSON on stdin, answers as lines on stdout: {"do": NAME, "with": {...}} -> {"ok": ...} or {"error": "..."}."""

import json
import os
import sys
import traceback


def serve(**does) -> None:
    answers = os.fdopen(os.dup(1), "w")
    # What libraries print must not stand among the answers.
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
