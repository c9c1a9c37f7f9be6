"""Many requests, a fifth of them dropped while queued, in prefill and in decode: the others' answers are the ones that
they get alone, and nothing is left behind.

    hangups.py --url http://127.0.0.1:8080 --pid PID [--requests 10000] [--streams 500]

Prints a table; ends with 1 where something is wrong. What one drop costs in passes is looked at by drops.py.
"""

import argparse
import asyncio
import random
import sys
import time

import load


def long_questions(count):
    """Prompts of different beginnings, long enough to be read in several passes."""
    rng = random.Random(6)
    return [load.question(f"{number}: " + " ".join(rng.choices(load.WORDS, k=rng.randint(60, 160))),
                          rng.randint(8, 64)) for number in range(count)]


class Crowd:
    """So many requests, a certain number at once, a fifth of them dropped."""

    def __init__(self, options, client, asked, expected):
        self.options, self.client, self.asked, self.expected = options, client, asked, expected
        self.tally = load.Tally()
        self.left = options.requests
        self.before_first = self.after_first = 0
        self._waits = [0.5]  # seconds to the first piece, of late

    def drop(self, rng):
        """A third while it is answered; else before the first piece, at any time of the usual wait for it."""
        if rng.random() >= 0.2:
            return {}
        if rng.random() < 1 / 3:
            return {"pieces": rng.randint(1, 7)}
        return {"seconds": rng.uniform(0, sum(self._waits) / len(self._waits))}

    async def ask(self, rng):
        which = rng.randrange(len(self.asked))
        text, times = await asyncio.wait_for(self.client.ask(self.asked[which], **self.drop(rng)), 300)
        self.tally.see(times)
        if times:
            self._waits = [*self._waits[-50:], times[0]]
        if text is not None:
            self.tally.compare(which, self.expected[which], text)
            return
        self.tally.dropped += 1
        self.after_first += bool(times)
        self.before_first += not times

    async def go_on(self, rng):
        while self.left > 0:
            self.left -= 1
            try:
                await self.ask(rng)
            except (load.Failure, OSError, ValueError, asyncio.IncompleteReadError) as error:
                self.tally.failures.append(f"{type(error).__name__}: {error}")

    async def run(self):
        await asyncio.gather(*(self.go_on(random.Random(f"{self.options.seed} stream {number}"))
                               for number in range(self.options.streams)))


async def run(options):
    print(f"hangups: seed {options.seed}")
    load.allow_files(options.streams)
    client = load.Client(options.url)
    asked = long_questions(options.questions)
    crowd = Crowd(options, client, asked, await load.alone(client, asked))
    start = time.monotonic()
    await crowd.run()
    seconds = time.monotonic() - start
    settled = await load.settled(options.url)
    tally = crowd.tally
    rows = [("streams at once", options.streams), ("seconds", f"{seconds:.1f}"), ("answered", tally.answered),
            ("dropped", f"{crowd.before_first} before their first piece, {crowd.after_first} after it"),
            ("cancelled by the server", int(settled["artemis_answers_cancelled_total"])),
            ("put back for room", int(settled["artemis_preemptions_total"])),
            ("wrong answers", len(tally.wrong)), ("failures", len(tally.failures)),
            ("pages in use", int(settled["artemis_cache_pages_used"])), ("open files", load.memory(options.pid)[1])]
    good = {"all answered or dropped": tally.answered + tally.dropped == options.requests,
            "a fifth dropped": 0.12 < tally.dropped / options.requests < 0.25,
            "no failure": not tally.failures, "no wrong answer": not tally.wrong,
            **load.left_behind(settled, options.pid, options.files)}
    return load.report("hangups", rows, tally, good)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, default=0, help="the server's process, to see its open files")
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--files", type=int, default=64, help="files that the idle server may hold open")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
