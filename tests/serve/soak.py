"""Many clients at once, a fifth of whom hang up at any moment, beside slow senders and malformed requests: nothing may
be lost, mixed up, leaked or stuck.

    soak.py --url http://127.0.0.1:8080 --pid PID [--clients 200] [--slow 100] [--seconds 120] [--picture FILE]

Every answer that is read to its end must be the one that its question got alone, token for token (the server runs
in f32, greedily, and with --max-pixels 1000000, as malformed.py asks for). The server's memory and open files are
watched; at the end it must be idle with every page free. Prints a table of what clients saw; ends with 1 where
something is wrong.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time

import load
import malformed


def drop(rng):
    """How a fifth of the requests is dropped: after some pieces, or some time, while queued or read, say."""
    if rng.random() >= 0.2:
        return None
    return {"pieces": rng.randint(0, 12)} if rng.random() < 0.5 else {"seconds": rng.uniform(0, 0.5)}


async def go_on(client, rng, asked, expected, until, tally):
    while time.monotonic() < until:
        which = rng.randrange(len(asked))
        early = drop(rng)
        try:
            text, times = await asyncio.wait_for(client.ask(asked[which], **(early or {})), 120)
        except (load.Failure, OSError, ValueError, asyncio.IncompleteReadError) as error:
            tally.failures.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(0.2)
            continue
        tally.see(times)
        if text is None:
            tally.dropped += 1
        else:
            tally.compare(which, expected[which], text)


async def misbehave(client, rng, until, tally):
    """Malformed requests, one after the other; how many were refused as they must be."""
    cases, refused = list(malformed.cases()), 0
    while time.monotonic() < until:
        name, sent, wanted = rng.choice(cases)
        try:
            status, _, _ = await asyncio.to_thread(malformed.ask, (client.host, client.port), sent, 60)
        except OSError as error:
            status = repr(error)
        if status == wanted:
            refused += 1
        else:
            tally.failures.append(f"{name}: {status}, expected {wanted}")
        await asyncio.sleep(rng.random())
    return refused


async def watch(pid, until, samples):
    while time.monotonic() < until:
        samples.append(load.memory(pid))
        await asyncio.sleep(1)


async def run(options):
    print(f"soak: seed {options.seed}")
    load.allow_files(options.clients + options.slow)
    asked = load.questions(load.picture_url(options.picture), 24)
    client = load.Client(options.url)
    expected = await load.alone(client, asked)
    if len(set(expected)) < len(asked) // 3:
        print("soak: the questions have too few different answers to tell a mix-up", file=sys.stderr)
        return 1
    tally, samples = load.Tally(), []
    slow = load.SlowSenders(client, options.slow, options.seed)
    start = time.monotonic()
    until = start + options.seconds
    rngs = [random.Random(f"{options.seed} client {number}") for number in range(options.clients)]
    slow.start()
    refused, *_ = await asyncio.gather(misbehave(client, random.Random(f"{options.seed} malformed"), until, tally),
                                       watch(options.pid, until, samples),
                                       *(go_on(client, rng, asked, expected, until, tally) for rng in rngs))
    await slow.stop()
    seconds = time.monotonic() - start
    return report(options, tally, slow, refused, samples, await load.settled(options.url), seconds)


def report(options, tally, slow, refused, samples, settled, seconds):
    # Memory grows while caches fill; from the second half on it must be flat, but for the moments of a huge body.
    half = [rss for rss, _ in samples[len(samples) // 2:]] or [0.0]
    quarter = max(1, len(half) // 2)
    early, late = statistics.median(half[:quarter]), statistics.median(half[-quarter:])
    drift = 100 * (late - early) / early if early else 0.0
    rows = [("clients", options.clients), ("seconds", f"{seconds:.1f}"), ("answered", tally.answered),
            ("hung up", tally.dropped), ("failures", len(tally.failures)), ("wrong answers", len(tally.wrong)),
            ("slow senders", f"{options.slow}, told 408 {slow.refused} times"),
            ("malformed, refused", refused),
            ("pieces a second", f"{tally.pieces / seconds:.0f}"),
            ("first piece p50 / p99",
             f"{load.percentile(tally.first, .5):.0f} / {load.percentile(tally.first, .99):.0f} ms"),
            ("between pieces p50 / p99",
             f"{load.percentile(tally.gaps, .5):.0f} / {load.percentile(tally.gaps, .99):.0f} ms"),
            ("memory", f"{early:.1f} -> {late:.1f} MiB ({drift:+.2f} %)"),
            ("open files", f"{samples[0][1] if samples else 0} .. {max((n for _, n in samples), default=0)}, "
                           f"{load.memory(options.pid)[1]} at the end"),
            ("pages in use", int(settled["artemis_cache_pages_used"]))]
    good = {"no failure": not tally.failures, "no wrong answer": not tally.wrong,
            "answers": tally.answered >= options.clients, "some hung up": tally.dropped * 12 > tally.answered,
            "slow senders are told": not slow.failures and (slow.refused > 0 or options.slow == 0),
            f"memory within {options.drift:g} %": not options.pid or drift < options.drift,
            **load.left_behind(settled, options.pid, options.files)}
    return load.report("soak", rows, tally, good, slow.failures[:5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, default=0, help="the server's process, to watch its memory")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--slow", type=int, default=100, help="connections that send a byte a second")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--drift", type=float, default=3, help="per cent that memory may grow in the second half")
    parser.add_argument("--picture", help="a JPEG or PNG that some questions are about")
    parser.add_argument("--files", type=int, default=64, help="files that the idle server may hold open")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
