"""Golden accuracies of 2,000 generated answers by LAVIS's vqa_eval.py, with proof that they reach every rule."""

import contextlib
import io
import re
from types import SimpleNamespace

from common import load_pieces, question, write
from lavis_parts import vqa_eval

QUESTIONS = 2000


def reached(evaluator, answers):
    """Each rule must change some answer, and each condition be true and false somewhere."""
    missing = []
    comma = [bool(re.search(evaluator.commaStrip, one)) for one in answers]
    if not (any(comma) and not all(comma)):
        missing.append("comma in a number")
    for mark in evaluator.punct:
        beside = [mark + " " in one or " " + mark in one for one in answers if mark in one]
        if not (any(beside) and not all(beside)):
            missing.append(f"mark {mark}")
    if not any(len(evaluator.periodStrip.findall(one)) > 32 for one in answers):
        missing.append("more full stops than are removed")
    if not any(re.search(r"\.\d", one) for one in answers):
        missing.append("full stop before a digit")
    words = {word for one in answers for word in evaluator.processPunctuation(one.strip()).lower().split()}
    for table in (["a", "an", "the"], NUMBERS, [key for key in evaluator.contractions if key == key.lower()]):
        missing += [word for word in table if word not in words]
    return missing


NUMBERS = ["none", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def main():
    pieces = load_pieces()
    questions = [question(pieces, seed) for seed in range(QUESTIONS)]
    truth = {
        index: {
            "answers": [{"answer": text, "answer_id": person} for person, text in enumerate(one["answers"], 1)],
            "question_type": one["question_type"],
            "answer_type": one["answer_type"],
        }
        for index, one in enumerate(questions)
    }
    results = SimpleNamespace(qa={index: {"answer": one["answer"]} for index, one in enumerate(questions)})
    evaluator = vqa_eval()(SimpleNamespace(qa=truth, getQuesIds=lambda: list(truth)), results, n=10)
    missing = reached(evaluator, [one["answer"] for one in questions])
    assert not missing, missing
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.evaluate()

    def normalized(answer):
        text = answer.replace("\n", " ").replace("\t", " ").strip()
        return evaluator.processDigitArticle(evaluator.processPunctuation(text))

    write(
        "vqa.json",
        {
            "questions": QUESTIONS,
            "accuracy": evaluator.accuracy,
            "each": [evaluator.evalQA[index] for index in range(QUESTIONS)],
            "normalized": [normalized(one["answer"]) for one in questions],
        },
    )


if __name__ == "__main__":
    main()
