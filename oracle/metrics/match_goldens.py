"""Golden accuracy, precision, recall, F1 and AUC of 300 generated lists of pairs, by scikit-learn."""

import numpy as np
from common import labelled_pairs, write
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

LISTS = 300
LEVELS = 5


def metrics(seed):
    scores, labels = labelled_pairs(seed, LEVELS if seed % 2 == 1 else None)
    predicted = np.array(scores) >= 0.5
    return [
        float(f"{value:.12g}")
        for value in (
            accuracy_score(labels, predicted),
            precision_score(labels, predicted, zero_division=0),
            recall_score(labels, predicted, zero_division=0),
            f1_score(labels, predicted, zero_division=0),
            roc_auc_score(labels, scores),
        )
    ]


if __name__ == "__main__":
    write("match.json", {"levels": LEVELS, "lists": [metrics(seed) for seed in range(LISTS)]})
