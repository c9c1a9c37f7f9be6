"""What the programs that put `artemis serve` under load share: clients, slow senders, a look at the server.

Only the standard library is used."""

import asyncio
import base64
import contextlib
import json
import pathlib
import random
import resource
import sys
import time
import urllib.request

WORDS = "red blue green circle square triangle star left right above below two three picture scene object".split()
HEAD_SECONDS, BODY_SECONDS = 10, 60  # that the server grants a head and a body


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def allow_files(count):
    """Room for so many connections."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < count + 256:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 256 if most < 0 else min(count + 256, most), most))


def picture_url(file):
    if not file:
        return None
    kind = "png" if file.endswith("png") else "jpeg"
    return f"data:image/{kind};base64," + base64.b64encode(pathlib.Path(file).read_bytes()).decode()


def question(text, tokens, system=None, picture=None):
    """The body of a request that is answered greedily, by a stream of so many tokens."""
    content = [{"type": "text", "text": text}]
    if picture:
        content.insert(0, {"type": "image_url", "image_url": {"url": picture}})
    messages = [{"role": "user", "content": content}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    return json.dumps({"messages": messages, "temperature": 0, "max_tokens": tokens, "stream": True,
                       "ignore_eos": True, "chat_template_kwargs": {"enable_thinking": False}}).encode()


def questions(picture, count):
    """Bodies of requests, some of them about a picture, some sharing a long beginning."""
    rng = random.Random(5)
    system = "You describe scenes. " + " ".join(rng.choices(WORDS, k=60))
    return [question(f"{number}: " + " ".join(rng.choices(WORDS, k=rng.randint(3, 40))), rng.randint(16, 48),
                     system if number % 3 == 0 else None, picture if number % 4 == 0 else None)
            for number in range(count)]


class Failure(Exception):
    pass


class Client:
    """One connection for each request, as a browser would send it."""

    def __init__(self, url):
        self.host, port = url.removeprefix("http://").split(":")
        self.port = int(port)

    async def ask(self, body, pieces=None, seconds=None, heard=None):
        """The whole text and the times of its pieces; no text where the connection was dropped.

        It is dropped after so many pieces or seconds; `heard` is called with the number of each piece."""
        times = []
        try:
            return await asyncio.wait_for(self._ask(body, pieces, times, heard), seconds), times
        except asyncio.TimeoutError:
            if seconds is None:
                raise
            return None, times

    async def _ask(self, body, pieces, times, heard):
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
            start = time.monotonic()
            writer.write(head.encode() + body)
            await writer.drain()
            if pieces == 0:
                return None
            status = await reader.readline()
            if b" 200 " not in status:
                raise Failure(f"status {status!r}: {(await reader.read())[:300]!r}")
            while (await reader.readline()) not in (b"\r\n", b""):
                pass
            text = ""
            while line := await reader.readline():
                if not line.startswith(b"data: "):
                    continue  # a chunk's length, or an empty line
                data = line[6:].strip()
                if data == b"[DONE]":
                    return text
                event = json.loads(data)
                if "error" in event:
                    raise Failure(f"in mid-stream: {event['error']}")
                for choice in event["choices"]:
                    said = choice["delta"].get("content")
                    if said:
                        text += said
                        times.append(time.monotonic() - start)
                        if heard:
                            heard(len(times))
                if pieces is not None and len(times) >= pieces:
                    return None
            raise Failure("the stream ended without [DONE]")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def alone(client, asked):
    """What each question gets when nobody else asks."""
    return [(await client.ask(body))[0] for body in asked]


class Tally:
    """What clients saw, times in milliseconds."""

    def __init__(self):
        self.answered = self.dropped = self.pieces = 0
        self.first, self.gaps, self.whole, self.wrong, self.failures = [], [], [], [], []

    def see(self, times):
        self.pieces += len(times)
        if times:
            self.first.append(1000 * times[0])
            self.gaps.extend(1000 * (b - a) for a, b in zip(times, times[1:]))

    def compare(self, which, expected, text):
        self.answered += 1
        if text != expected:
            self.wrong.append(f"question {which} got {text!r}, alone it got {expected!r}")


class SlowSenders:
    """Connections that send a byte a second, half of them of a head and half of a body.

    Each must be told 408 when its time is over, however often a byte came; then it comes back."""

    def __init__(self, client, count, seed):
        self.client, self.count = client, count
        self.refused = self.sent = 0
        self.failures = []
        self._rngs = [random.Random(f"{seed} slow {number}") for number in range(count)]
        self._stopping = False
        self._tasks = []

    def start(self):
        self._tasks = [asyncio.create_task(self._go_on(rng, number % 2 == 0))
                       for number, rng in enumerate(self._rngs)]

    async def stop(self):
        self._stopping = True
        await asyncio.gather(*self._tasks)

    async def _go_on(self, rng, in_head):
        await asyncio.sleep(rng.random())
        while not self._stopping:
            try:
                await self._dribble(rng, in_head)
            except OSError as error:
                self.failures.append(f"slow sender: {type(error).__name__}: {error}")
                await asyncio.sleep(1)

    async def _dribble(self, rng, in_head):
        reader, writer = await asyncio.open_connection(self.client.host, self.client.port)
        try:
            begin = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            begin += "X-Slow: " if in_head else "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
            start = time.monotonic()
            writer.write(begin.encode())
            answer = asyncio.create_task(reader.readline())
            while not answer.done() and not self._stopping:
                await asyncio.wait([answer], timeout=0.5 + rng.random())
                if not answer.done():
                    writer.write(b"a" if in_head else b" ")
                    self.sent += 1
            if not answer.done():
                answer.cancel()
                return
            seconds, granted = time.monotonic() - start, HEAD_SECONDS if in_head else BODY_SECONDS
            status = answer.result()
            if b" 408 " in status and granted - 1 < seconds < granted + 5:
                self.refused += 1
            else:
                self.failures.append(f"slow {'head' if in_head else 'body'}: {status!r} after {seconds:.1f} s, "
                                     f"expected 408 after {granted}")
        finally:
            writer.close()


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


async def settled(url):
    """The gauges once the server is idle, or as they are after ten seconds."""
    for _ in range(100):
        now = await asyncio.to_thread(gauges, url)
        if now["artemis_answers_running"] == 0 and now["artemis_answers_waiting"] == 0:
            break
        await asyncio.sleep(0.1)
    return now


def left_behind(now, pid, files):
    """What an idle server must show, by name: whether it holds."""
    return {"idle at the end": now["artemis_answers_running"] == 0 and now["artemis_answers_waiting"] == 0,
            "no page in use": now["artemis_cache_pages_used"] == 0,
            "files closed": not pid or memory(pid)[1] <= files}


def report(program, rows, tally, good, failures=()):
    """Prints the table, and what is wrong on stderr; the exit code."""
    for name, value in rows:
        print(f"{name:26}{value}")
    for line in [*tally.failures[:5], *tally.wrong[:3], *failures]:
        print(f"{program}: {line}", file=sys.stderr)
    for name, holds in good.items():
        if not holds:
            print(f"{program}: FAILED: {name}", file=sys.stderr)
    return 0 if all(good.values()) else 1
