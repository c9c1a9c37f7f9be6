"""Many clients at once, a fifth of whom hang up in mid-stream: nothing may be lost, mixed up, leaked or stuck.

    soak.py --url http://127.0.0.1:8080 --pid PID [--clients 200] [--seconds 120] [--picture FILE]

Every answer that is read to its end must be the one that its question got alone, token for token (the server runs
in f32, greedily). The server's memory and open files are watched; at the end it must be idle with every page free.
Only the standard library is used. Prints a table of what clients saw; ends with 1 where something is wrong.
"""

import argparse
import asyncio
import base64
import json
import pathlib
import random
import statistics
import sys
import time
import urllib.request

WORDS = "red blue green circle square triangle star left right above below two three picture scene object".split()


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def questions(picture, count):
    """Bodies of requests, some of them about a picture, some sharing a long beginning."""
    rng = random.Random(5)
    system = "You describe scenes. " + " ".join(rng.choices(WORDS, k=60))
    made = []
    for number in range(count):
        text = f"{number}: " + " ".join(rng.choices(WORDS, k=rng.randint(3, 40)))
        content = [{"type": "text", "text": text}]
        if picture and number % 4 == 0:
            content.insert(0, {"type": "image_url", "image_url": {"url": picture}})
        messages = [{"role": "user", "content": content}]
        if number % 3 == 0:
            messages.insert(0, {"role": "system", "content": system})
        body = {"messages": messages, "temperature": 0, "max_tokens": rng.randint(16, 48), "stream": True,
                "ignore_eos": True, "chat_template_kwargs": {"enable_thinking": False}}
        made.append(json.dumps(body).encode())
    return made


class Failure(Exception):
    pass


class Client:
    """One connection at a time; requests as a browser would send them."""

    def __init__(self, url):
        host, port = url.removeprefix("http://").split(":")
        self.host, self.port = host, int(port)

    async def ask(self, body, pieces=None):
        """The whole text and the times of its pieces; after `pieces` of them the connection is dropped."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
            start = time.monotonic()
            writer.write(head.encode() + body)
            await writer.drain()
            if pieces == 0:
                return None, []
            status = await reader.readline()
            if b" 200 " not in status:
                raise Failure(f"status {status!r}: {(await reader.read())[:300]!r}")
            while (await reader.readline()) not in (b"\r\n", b""):
                pass
            text, times, ended = "", [], False
            while line := await reader.readline():
                if not line.startswith(b"data: "):
                    continue  # a chunk's length, or an empty line
                data = line[6:].strip()
                if data == b"[DONE]":
                    ended = True
                    break
                event = json.loads(data)
                if "error" in event:
                    raise Failure(f"in mid-stream: {event['error']}")
                for choice in event["choices"]:
                    said = choice["delta"].get("content")
                    if said:
                        text += said
                        times.append(time.monotonic() - start)
                if pieces is not None and len(times) >= pieces:
                    return None, times
            if not ended:
                raise Failure("the stream ended without [DONE]")
            return text, times
        finally:
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                pass


class Tally:
    def __init__(self):
        self.answered = self.dropped = self.pieces = 0
        self.first, self.gaps, self.wrong, self.failures = [], [], [], []

    def see(self, times):
        self.pieces += len(times)
        if times:
            self.first.append(1000 * times[0])
            self.gaps.extend(1000 * (b - a) for a, b in zip(times, times[1:]))


async def go_on(client, rng, asked, expected, until, tally):
    while time.monotonic() < until:
        which = rng.randrange(len(asked))
        drops = rng.randint(0, 12) if rng.random() < 0.2 else None
        try:
            text, times = await asyncio.wait_for(client.ask(asked[which], drops), 120)
        except (Failure, OSError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            tally.failures.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(0.2)
            continue
        tally.see(times)
        if drops is not None:
            tally.dropped += 1
            continue
        tally.answered += 1
        if text != expected[which]:
            tally.wrong.append((which, expected[which], text))


def memory(pid):
    """Resident MiB and open files of the server."""
    if not pid:
        return 0.0, 0
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    kib = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return kib / 1024, sum(1 for _ in pathlib.Path(f"/proc/{pid}/fd").iterdir())


def gauges(url):
    with urllib.request.urlopen(url + "/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"}


async def watch(pid, until, samples):
    while time.monotonic() < until:
        samples.append(memory(pid))
        await asyncio.sleep(1)


async def run(options):
    picture = None
    if options.picture:
        kind = "png" if options.picture.endswith("png") else "jpeg"
        picture = f"data:image/{kind};base64," + base64.b64encode(pathlib.Path(options.picture).read_bytes()).decode()
    asked = questions(picture, 24)
    client = Client(options.url)
    expected = [(await client.ask(body))[0] for body in asked]
    if len(set(expected)) < len(asked) // 3:
        print("soak: the questions have too few different answers to tell a mix-up", file=sys.stderr)
        return 1
    tally, samples = Tally(), []
    start = time.monotonic()
    until = start + options.seconds
    rngs = [random.Random(1000 * options.seed + i) for i in range(options.clients)]
    await asyncio.gather(watch(options.pid, until, samples),
                         *(go_on(client, rng, asked, expected, until, tally) for rng in rngs))
    seconds = time.monotonic() - start
    settled = {}
    for _ in range(100):
        settled = gauges(options.url)
        if settled["artemis_answers_running"] == 0 and settled["artemis_answers_waiting"] == 0:
            break
        await asyncio.sleep(0.1)
    return report(options, tally, samples, settled, seconds)


def report(options, tally, samples, settled, seconds):
    # Memory grows while caches fill; from the second half on it must be flat.
    half = [rss for rss, _ in samples[len(samples) // 2:]] or [0.0]
    quarter = max(1, len(half) // 2)
    early, late = statistics.mean(half[:quarter]), statistics.mean(half[-quarter:])
    drift = 100 * (late - early) / early if early else 0.0
    rows = [("clients", options.clients), ("seconds", f"{seconds:.1f}"), ("answered", tally.answered),
            ("hung up", tally.dropped), ("failures", len(tally.failures)), ("wrong answers", len(tally.wrong)),
            ("pieces a second", f"{tally.pieces / seconds:.0f}"),
            ("first piece p50 / p99", f"{percentile(tally.first, .5):.0f} / {percentile(tally.first, .99):.0f} ms"),
            ("between pieces p50 / p99", f"{percentile(tally.gaps, .5):.0f} / {percentile(tally.gaps, .99):.0f} ms"),
            ("memory", f"{early:.1f} -> {late:.1f} MiB ({drift:+.2f} %)"),
            ("open files", f"{samples[0][1] if samples else 0} .. {max((n for _, n in samples), default=0)}, "
                           f"{memory(options.pid)[1]} at the end"),
            ("pages in use", int(settled["artemis_cache_pages_used"]))]
    for name, value in rows:
        print(f"{name:26}{value}")
    for failure in tally.failures[:5]:
        print("soak:", failure, file=sys.stderr)
    for which, wanted, got in tally.wrong[:3]:
        print(f"soak: question {which} got {got!r}, alone it got {wanted!r}", file=sys.stderr)
    idle = settled["artemis_answers_running"] == 0 and settled["artemis_answers_waiting"] == 0
    good = {"no failure": not tally.failures, "no wrong answer": not tally.wrong,
            "answers": tally.answered >= options.clients, "some hung up": tally.dropped * 12 > tally.answered,
            "idle at the end": idle, "no page in use": settled["artemis_cache_pages_used"] == 0,
            "memory within 3 %": not options.pid or drift < 3,
            "files closed": not options.pid or memory(options.pid)[1] <= options.files}
    for name, holds in good.items():
        if not holds:
            print(f"soak: FAILED: {name}", file=sys.stderr)
    return 0 if all(good.values()) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, default=0, help="the server's process, to watch its memory")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--picture", help="a JPEG or PNG that some questions are about")
    parser.add_argument("--files", type=int, default=64, help="files that the idle server may hold open")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
