"""How long others wait for a token while `artemis serve` reads somebody's large picture.

31 clients read streams of text; then one asks about a picture of 1,980 image tokens. Prints the waits between two pieces
before and meanwhile, in milliseconds. The model's pictures are smaller, so a copy of it with a larger limit is served.

Usage: python bench/picture_pause.py [--artemis build/artemis] [--model lab/models/nano-vlm] [--threads 1]
"""

import argparse
import asyncio
import base64
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/serve"))
from load import Client, percentile, question  # noqa: E402

OTHERS, WIDTH, HEIGHT = 31, 1408, 1440
LIMITS = {"image_processor_type": "Qwen2VLImageProcessorFast", "patch_size": 16, "temporal_patch_size": 2,
          "merge_size": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
          "size": {"shortest_edge": 65536, "longest_edge": 4194304}}


def noise():
    """A PNG of drawn pixels, as a data: URL."""
    rng = random.Random(1)
    rows = b"".join(b"\0" + rng.randbytes(3 * WIDTH) for _ in range(HEIGHT))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    png = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)) +
           chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
    return "data:image/png;base64," + base64.b64encode(png).decode()


def describe(name, waits):
    print(f"{name:9} {len(waits):6} waits  median {percentile(waits, 0.5):6.1f}  p99 {percentile(waits, 0.99):7.1f}  "
          f"longest {max(waits):7.1f} ms")


async def measure(url):
    client, waits, stopping = Client(url), [], False

    async def talk(number):
        turn = 0
        while not stopping:
            turn += 1
            last = None

            def heard(_):
                nonlocal last
                now = time.monotonic()
                if last:
                    waits.append((now, 1000 * (now - last)))
                last = now

            await client.ask(question(f"{number} {turn} A large", 400), heard=heard)

    talkers = [asyncio.create_task(talk(number)) for number in range(OTHERS)]
    await asyncio.sleep(4)
    asked = json.loads(question("Hi", 2))
    asked["messages"][0]["content"].insert(0, {"type": "image_url", "image_url": {"url": noise()}})
    begin = time.monotonic()
    await client.ask(json.dumps(asked).encode())
    end = time.monotonic()
    stopping = True
    await asyncio.gather(*talkers)
    describe("before", [wait for at, wait in waits if at < begin])
    describe("meanwhile", [wait for at, wait in waits if begin <= at <= end])
    print(f"the picture's answer took {end - begin:.2f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--artemis", default="build/artemis")
    parser.add_argument("--model", default="lab/models/nano-vlm")
    parser.add_argument("--threads", default="1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "model"
        shutil.copytree(options.model, model)
        (model / "preprocessor_config.json").write_text(json.dumps(LIMITS))
        server = subprocess.Popen([options.artemis, "serve", "--model", model, "--port", "0", "--threads", options.threads],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            asyncio.run(measure(server.stdout.readline().split()[2]))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
