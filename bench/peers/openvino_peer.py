"""OpenVINO's CPU plugin with transformers' vision model, converted in memory; in float32 and in bfloat16.

    python openvino_peer.py --itm FOLDER --threads 2
"""

import argparse
import time
from functools import cache

import openvino as ov
import torch
from transformers import BlipForImageTextRetrieval

import inputs
from line_json import serve

PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


class States(torch.nn.Module):
    def __init__(self, vision: torch.nn.Module) -> None:
        super().__init__()
        self.vision = vision

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.vision(pixel_values=pixel_values).last_hidden_state


def convert(folder: str):
    net = BlipForImageTextRetrieval.from_pretrained(folder).eval()
    size = net.config.vision_config.image_size
    pixels = inputs.numbers([1, 3, size, size], inputs.PIXEL_SCALE)
    with torch.inference_mode():
        model = ov.convert_model(States(net.vision_model), example_input=torch.from_numpy(pixels))
    model.reshape([1, 3, size, size])
    return model, pixels


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--itm", required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    model, pixels = convert(given.itm)
    core = ov.Core()

    @cache
    def request(dtype: str):
        options = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[dtype],
            "INFERENCE_NUM_THREADS": given.threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        return core.compile_model(model, "CPU", options).create_infer_request()

    def image(dtype: str) -> dict:
        infer = request(dtype)
        start = time.perf_counter()
        states = infer.infer([pixels])[0]
        return {"value": time.perf_counter() - start, "outputs": [float(x) for x in states.flatten()[:8]]}

    serve(image=image, versions=lambda: {"openvino": ov.__version__.split("-")[0]})


if __name__ == "__main__":
    main()
