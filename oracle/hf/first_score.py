"""The peer of bench/first-score and bench/peers: from process start to transformers' first ITM score, with the memory it took.

    python first_score.py MODEL IMAGE TEXT [THREADS]

Prints one line of JSON: seconds since the process began, peak resident memory in kB, logits.
"""

import json
import os
import sys
import time


def process_start() -> float:
    """When this process began, in seconds since the epoch (Linux)."""
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    with open("/proc/stat") as file:
        boot = next(int(line.split()[1]) for line in file if line.startswith("btime"))
    with open("/proc/uptime") as file:
        uptime = float(file.read().split()[0])
    # btime is whole seconds: the boot's fraction is taken from the clock instead.
    return (time.time() - uptime if abs(time.time() - uptime - boot) < 2 else boot) + ticks / os.sysconf("SC_CLK_TCK")


def main(folder: str, image: str, text: str, threads: str = "2") -> None:
    import torch
    from PIL import Image
    from transformers import BertTokenizer, BlipForImageTextRetrieval
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    torch.set_num_threads(int(threads))
    model = BlipForImageTextRetrieval.from_pretrained(folder).eval()
    tokenizer = BertTokenizer(vocab=f"{folder}/vocab.txt", do_lower_case=True)
    encoded = tokenizer([text], return_tensors="pt")
    pixels = BlipImageProcessorPil.from_pretrained(folder)(Image.open(image), return_tensors="pt").pixel_values
    with torch.no_grad():
        logits = model(
            pixel_values=pixels, input_ids=encoded.input_ids, attention_mask=encoded.attention_mask
        ).itm_score[0].tolist()
    seconds = time.time() - process_start()
    with open("/proc/self/status") as file:
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    print(json.dumps({"seconds": round(seconds, 3), "peakKilobytes": peak, "logits": logits}))


if __name__ == "__main__":
    main(*sys.argv[1:])
