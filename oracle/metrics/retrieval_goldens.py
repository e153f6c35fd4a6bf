"""Golden recalls of 1,000 generated rankings without ties and 1,000 with them, by LAVIS's copy of BLIP's itm_eval."""

import numpy as np
from common import ranking, write
from lavis_parts import report_metrics

RANKINGS = 1000
LEVELS = 4
KEYS = ["txt_r1", "txt_r5", "txt_r10", "img_r1", "img_r5", "img_r10"]


class StableNumpy:
    """numpy, but argsort keeps the order of equal scores."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def argsort(values):
        return np.argsort(values, kind="stable")


def recalls(report, seed, levels):
    image_to_text, text_to_image, texts_of_image = ranking(seed, levels)
    image_of_text = {text: image for image, texts in enumerate(texts_of_image) for text in texts}
    found = report(np.array(image_to_text), np.array(text_to_image), image_of_text, dict(enumerate(texts_of_image)))
    counts = []
    for key in KEYS:
        queries = len(texts_of_image) if key.startswith("txt") else len(image_of_text)
        count = round(found[key] * queries / 100)
        assert 100.0 * count / queries == found[key]
        counts.append(count)
    return counts


def main():
    plain, stable = report_metrics(), report_metrics(StableNumpy())
    write(
        "retrieval.json",
        {
            "levels": LEVELS,
            "plain": [recalls(plain, seed, None) for seed in range(RANKINGS)],
            "tied": [recalls(stable, seed, LEVELS) for seed in range(RANKINGS)],
        },
    )


if __name__ == "__main__":
    main()
