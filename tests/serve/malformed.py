"""Requests that `artemis serve` must refuse, each within a second, while two streams go on untouched.

Plain sockets: no client library would send most of these."""

import argparse
import base64
import json
import re
import socket
import struct
import threading
import time
import urllib.parse
import zlib

CHAT = "/v1/chat/completions"
SECOND = 1.0


def png(width, height, rows=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def data_url(data, kind="image/png"):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def request(path, body, method="POST", headers=()):
    if isinstance(body, str):
        body = body.encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}",
             "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chat(**members):
    body = {"model": "nano", "messages": [{"role": "user", "content": "Hi"}], **members}
    return request(CHAT, json.dumps({key: value for key, value in body.items() if value != "absent"}))


def chat_text(members):
    return request(CHAT, '{"model": "nano", "messages": [{"role": "user", "content": "Hi"}], ' + members + "}")


def content(parts):
    return chat(messages=[{"role": "user", "content": parts}])


def picture(url):
    return content([{"type": "image_url", "image_url": {"url": url}}])


def head(lines, body=b""):
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def cases():
    """(name, bytes, expected status)."""
    nested = "[" * 100000 + "]" * 100000
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    schema = {"type": "object", "properties": {"a": {"type": "paint"}}}
    deep = {"type": "object"}
    for _ in range(100):
        deep = {"type": "object", "properties": {"a": deep}}
    yield "no JSON", request(CHAT, "Hi"), 400
    yield "empty body", request(CHAT, ""), 400
    yield "half a JSON", request(CHAT, '{"model": "nano", "messages": ['), 400
    yield "a list", request(CHAT, "[]"), 400
    yield "a string", request(CHAT, '"Hi"'), 400
    yield "nested deep", request(CHAT, nested), 400
    yield "nested deep in a member", chat_text('"metadata": ' + nested), 400
    yield "no UTF-8", request(CHAT, b'{"model": "\xff\xfe"}'), 400
    yield "a zero byte", request(CHAT, b'{"model": "nano\x00"}'), 400
    yield "half a surrogate", chat_text('"user": "\\ud800"'), 400
    yield "NaN", chat_text('"temperature": NaN'), 400
    yield "Infinity", chat_text('"temperature": Infinity'), 400
    yield "too large a number", chat_text('"temperature": 1e999'), 400
    yield "two JSONs", request(CHAT, "{}{}"), 400
    yield "unknown model", chat(model="gpt-99"), 404
    yield "model of a wrong type", chat(model=["nano"]), 400
    yield "no messages", chat(messages="absent"), 400
    yield "messages that are none", chat(messages=[]), 400
    yield "messages of a wrong type", chat(messages="Hi"), 400
    yield "a message that is none", chat(messages=["Hi"]), 400
    yield "unknown role", chat(messages=[{"role": "king", "content": "Hi"}]), 400
    yield "no content", chat(messages=[{"role": "user"}]), 400
    yield "content of a wrong type", content(7), 400
    yield "unknown part", content([{"type": "smell"}]), 400
    yield "answer to no call", chat(messages=[{"role": "tool", "tool_call_id": "x", "content": "a"}]), 400
    yield "arguments that are no JSON", chat(messages=[{"role": "assistant", "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}]}]), 400
    yield "hot", chat(temperature=2.5), 400
    yield "cold", chat(temperature=-0.1), 400
    yield "temperature as text", chat(temperature="1"), 400
    yield "top_p over 1", chat(top_p=1.5), 400
    yield "top_k under -1", chat(top_k=-5), 400
    yield "min_p under 0", chat(min_p=-1), 400
    yield "frequency_penalty", chat(frequency_penalty=3), 400
    yield "presence_penalty", chat(presence_penalty=-3), 400
    yield "repetition_penalty", chat(repetition_penalty=0), 400
    yield "logit_bias of no token", chat(logit_bias={"99999": 1}), 400
    yield "logit_bias too large", chat(logit_bias={"5": 1000}), 400
    yield "no choices", chat(n=0), 400
    yield "65 choices", chat(n=65), 400
    yield "half a choice", chat(n=1.5), 400
    yield "no new tokens", chat(max_tokens=0), 400
    yield "too many new tokens", chat(max_tokens=10**6), 400
    yield "more than an integer holds", chat(max_tokens=2**70), 400
    yield "seed as text", chat(seed="7"), 400
    yield "17 stops", chat(stop=["a"] * 17), 400
    yield "an empty stop", chat(stop=""), 400
    yield "21 logprobs", chat(logprobs=True, top_logprobs=21), 400
    yield "top_logprobs alone", chat(top_logprobs=2), 400
    yield "stream as text", chat(stream="yes"), 400
    yield "stream_options alone", chat(stream_options={"include_usage": True}), 400
    yield "a tool that is none", chat(tools=[{}]), 400
    yield "a tool choice without tools", chat(tool_choice="required"), 400
    yield "an unknown tool", chat(tools=[tool], tool_choice={"type": "function", "function": {"name": "g"}}), 400
    yield "an unknown form", chat(response_format={"type": "poem"}), 400
    yield "a form without a schema", chat(response_format={"type": "json_schema"}), 400
    yield "a malformed schema", chat(response_format={
        "type": "json_schema", "json_schema": {"name": "s", "schema": schema}}), 400
    yield "a deep schema", chat(response_format={
        "type": "json_schema", "json_schema": {"name": "s", "schema": deep}}), 400
    yield "a template of its own", chat(chat_template="{{ 1 }}"), 400
    yield "an unknown member", chat(temprature=1), 400
    yield "a long prompt", chat(messages=[{"role": "user", "content": "red " * 4000}]), 400
    yield "a very long prompt", chat(messages=[{"role": "user", "content": "a" * (8 << 20)}]), 400
    yield "broken base64", picture("data:image/png;base64,!!!!"), 400
    yield "half of base64", picture("data:image/png;base64,AAA"), 400
    yield "a URL without base64", picture("data:image/png,abc"), 400
    yield "no picture", picture(data_url(b"text")), 400
    yield "half a picture", picture(data_url(png(64, 64, bytes(64 * 193))[:60])), 400
    yield "a wide bomb", picture(data_url(png(40000, 40000))), 413
    yield "a tall bomb", picture(data_url(png(2, 900000))), 413
    yield "a packed bomb", picture(data_url(png(20000, 20000, bytes(10**7)))), 413
    yield "a picture from elsewhere", picture("http://127.0.0.1:1/a.png"), 400
    yield "a picture of the cloud", picture("http://169.254.169.254/latest/meta-data"), 400
    yield "a file", picture("file:///etc/passwd"), 400
    yield "65 pictures", content([{"type": "image_url", "image_url": {"url": "data:,"}}] * 65), 400
    yield "no prompt", request("/v1/completions", '{"model": "nano"}'), 400
    yield "token ids beyond the model's", request("/v1/completions", '{"model": "nano", "prompt": [99999]}'), 400
    yield "a suffix", request("/v1/completions", '{"model": "nano", "prompt": "a", "suffix": "b"}'), 400
    yield "text that is none", request("/tokenize", '{"prompt": 1}'), 400
    yield "tokens that are none", request("/detokenize", '{"tokens": "a"}'), 400
    yield "embeddings", request("/v1/embeddings", "{}"), 404
    yield "an unknown path", request("/v2/chat", "{}"), 404
    yield "a path that climbs", request("/../../etc/passwd", "", "GET"), 404
    yield "a wrong method", request(CHAT, "", "GET"), 405
    yield "an unknown method", request(CHAT, "", "BREW"), 405
    yield "another type of body", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Content-Type: text/plain",
                                        "Content-Length: 2"], b"{}"), 415
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "192.168.0.7", "[::2]", "",
                 "localhost@evil.example", "localhost:x", "[::1", "127.0.0.1, evil.example"):
        yield f"the host '{host}'", head(["GET /v1/models HTTP/1.1", f"Host: {host}"]), 403
    yield "a target's host", head(["GET http://evil.example/health HTTP/1.1", "Host: localhost"]), 403
    yield "no host, as HTTP/1.0 has it", head(["GET /health HTTP/1.0"]), 403
    yield "no host", head(["GET /health HTTP/1.1"]), 400
    yield "two hosts", head(["GET /health HTTP/1.1", "Host: localhost", "Host: localhost"]), 400
    for origin in ("http://evil.example", "http://localhost:1", "null", "file://"):
        yield f"a page of {origin}", request(CHAT, "{}", headers=[f"Origin: {origin}"]), 403
    yield "a page that asks whether it may", request(CHAT, "", "OPTIONS", ["Origin: http://evil.example"]), 403
    yield "no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400
    yield "a long request line", head([f"GET /{'a' * 9000} HTTP/1.1", "Host: localhost"]), 414
    yield "a long field", head(["GET /health HTTP/1.1", "Host: localhost", f"X-Long: {'a' * 9000}"]), 400
    yield "many fields", head(["GET /health HTTP/1.1", "Host: localhost", *[f"X-{i}: a" for i in range(300)]]), 400
    yield "endless fields", b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 100000, 400
    yield "a length that is none", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Content-Length: many"]), 400
    yield "a length below zero", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Content-Length: -1"]), 400
    yield "two lengths", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Content-Length: 2", "Content-Length: 3"],
                              b"{}"), 400
    yield "a length and chunks", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Content-Length: 2",
                                       "Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"), 400
    yield "a chunk that is none", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"],
                                       b"zz\r\n{}\r\n"), 400
    yield "a huge length", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Content-Length: 99999999999"]), 413
    yield "a body over the limit", request(CHAT, b" " * (21 << 20)), 413
    yield "chunks over the limit", head([f"POST {CHAT} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"],
                                        b"100000\r\n" + (b" " * (1 << 20) + b"\r\n100000\r\n") * 21), 413


def connect(address, timeout=5):
    connection = socket.create_connection(address, timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def answer(connection):
    """Status and body of an answer that ends with the connection or its length."""
    came = b""
    while b"\r\n\r\n" not in came:
        more = connection.recv(65536)
        if not more:
            return 0, came
        came += more
    top, body = came.split(b"\r\n\r\n", 1)
    assert b"\r\nx-request-id: req_" in top, f"an answer without a name: {top}"
    lengths = [line.split(b":")[1] for line in top.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return int(top.split()[1]), body


def ask(address, sent, timeout=5):
    """Sends from another thread, so that an answer that comes early is seen; (status, body, seconds)."""
    connection = connect(address, timeout)
    sending = threading.Thread(target=send_all, args=(connection, sent), daemon=True)
    start = time.monotonic()
    sending.start()
    status, body = answer(connection)
    seconds = time.monotonic() - start
    connection.close()
    sending.join(5)
    return status, body, seconds


def send_all(connection, sent):
    try:
        connection.sendall(sent)
    except OSError:
        pass  # the server has answered and closed


class Stream(threading.Thread):
    """Reads streams, one after the other; the longest wait for a piece is kept."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.pieces = 0
        self.longest = 0.0
        self.broken = ""
        self.stopping = False

    def run(self):
        try:
            while not self.stopping:
                self.read_one()
        except (OSError, AssertionError) as error:
            self.broken = repr(error)

    def read_one(self):
        connection = connect(self.address)
        connection.sendall(chat(stream=True, max_tokens=1500, ignore_eos=True, reasoning_effort="none"))
        came, last = b"", time.monotonic()
        while not self.stopping and b"[DONE]" not in came:
            more = connection.recv(65536)
            assert more, "the stream broke off"
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            last = now
            self.pieces += more.count(b"data: ")
            came = came[-16:] + more
            assert b'"error"' not in more, more
        connection.close()


def slow_header(address, result):
    """A head that never ends: 408 after ten seconds, however often a byte comes."""
    connection = connect(address)
    connection.settimeout(0.5)
    start = time.monotonic()
    connection.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
    while time.monotonic() - start < 20:
        try:
            connection.sendall(b"a")
            status, _ = answer(connection)
            result += [status, time.monotonic() - start]
            return
        except TimeoutError:
            continue
        except OSError:
            break
    result += [0, time.monotonic() - start]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    url = urllib.parse.urlsplit(parser.parse_args().url)
    address = (url.hostname, url.port)

    slow = []
    slow_sender = threading.Thread(target=slow_header, args=(address, slow))
    slow_sender.start()
    streams = [Stream(address) for _ in range(2)]
    for stream in streams:
        stream.start()

    failures, count, slowest = [], 0, 0.0
    for name, sent, expected in cases():
        count += 1
        status, body, seconds = ask(address, sent)
        slowest = max(slowest, seconds)
        if status != expected:
            failures.append(f"{name}: {status}, expected {expected}: {body[:200]!r}")
            continue
        if seconds > SECOND:
            failures.append(f"{name}: took {seconds:.2f} s")
        error = json.loads(body)["error"]
        if not error["message"] or error["type"] not in ("invalid_request_error", "authentication_error"):
            failures.append(f"{name}: {body[:200]!r}")
        if re.search(rb"/src/|/lab/|0x[0-9a-f]{6}|base64,AAA", body):
            failures.append(f"{name}: the body tells too much: {body[:200]!r}")
    slow_sender.join()
    for stream in streams:
        stream.stopping = True
    for stream in streams:
        stream.join(10)
        if stream.broken or stream.pieces < 100 or stream.longest > SECOND:
            failures.append(f"a stream: {stream.pieces} pieces, longest wait {stream.longest:.2f} s {stream.broken}")
    if not slow or slow[0] != 408 or not 9 < slow[1] < 13:
        failures.append(f"a slow head: {slow}, expected 408 after 10 s")
    for failure in failures:
        print("  FAILED " + failure)
    assert count >= 60
    if failures:
        raise SystemExit(1)
    print(f"  {count} malformed requests refused, the slowest in {slowest * 1000:.0f} ms; meanwhile two streams gave "
          f"{sum(stream.pieces for stream in streams)} pieces, the longest wait for one "
          f"{max(stream.longest for stream in streams) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
