"""The official Python client of OpenAI against `artemis serve` with the nano model."""

import argparse
import base64
import json
import pathlib

import jsonschema
import openai

QUIET = {"reasoning_effort": "none"}  # answers without a thought first
PAINT = {
    "type": "function",
    "function": {
        "name": "paint",
        "description": "Paints what is asked for.",
        "parameters": {
            "type": "object",
            "properties": {
                "colour": {"type": "string", "enum": ["red", "green", "blue"]},
                "layers": {"type": "integer", "minimum": 1, "maximum": 9},
                "wet": {"type": "boolean"},
            },
            "required": ["colour", "layers", "wet"],
            "additionalProperties": False,
        },
    },
}
SCENE = {
    "type": "object",
    "properties": {
        "shape": {"enum": ["circle", "square", "star"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 20},
        "seen": {"type": "boolean"},
    },
    "required": ["shape", "count", "seen"],
    "additionalProperties": False,
}


class Checks:
    def __init__(self, url, key, picture):
        self.url = url
        self.client = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, timeout=60)
        self.picture = picture

    def ask(self, content="Describe a red circle.", **options):
        options = {"max_tokens": 24, "temperature": 0, **QUIET, **options}
        messages = [{"role": "user", "content": content}]
        return self.client.chat.completions.create(model="nano", messages=messages, **options)

    def look(self, question="Describe this image."):
        data = base64.b64encode(pathlib.Path(self.picture).read_bytes()).decode()
        return [
            {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}},
            {"type": "text", "text": question},
        ]

    def check_models(self):
        assert [model.id for model in self.client.models.list()] == ["nano"]
        assert self.client.models.retrieve("nano").owned_by == "artemis"

    def check_chat(self):
        answer = self.ask()
        assert answer.object == "chat.completion"
        assert answer.choices[0].message.role == "assistant"
        assert answer.choices[0].message.content
        assert answer.choices[0].finish_reason in ("stop", "length")
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens

    def check_turns(self):
        messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Describe a red circle."}]
        first = self.client.chat.completions.create(model="nano", messages=messages, max_tokens=16, **QUIET)
        messages.append(first.choices[0].message)  # as the client gives it
        messages.append({"role": "user", "content": "And a blue one?"})
        second = self.client.chat.completions.create(model="nano", messages=messages, max_tokens=16, **QUIET)
        assert second.usage.prompt_tokens > first.usage.prompt_tokens

    def check_stream(self):
        whole = self.ask()
        text, last, usage = "", None, None
        for chunk in self.ask(stream=True, stream_options={"include_usage": True}):
            if chunk.choices:
                text += chunk.choices[0].delta.content or ""
                last = chunk.choices[0].finish_reason
            else:
                usage = chunk.usage
        assert text == whole.choices[0].message.content, (text, whole)
        assert last == whole.choices[0].finish_reason
        assert usage.completion_tokens == whole.usage.completion_tokens

    def check_stream_left(self):
        stream = self.ask(stream=True, max_tokens=1500, extra_body={"ignore_eos": True})
        for number, _ in enumerate(stream):
            if number == 5:
                break
        stream.close()

    def check_vision(self):
        answer = self.ask(self.look())
        words = answer.choices[0].message.content.split()
        assert len(words) >= 3, answer
        print("    seen:", " ".join(words))
        twice = self.ask(self.look()[:1] + self.look())
        assert twice.usage.prompt_tokens > answer.usage.prompt_tokens

    def check_thinking(self):
        answer = self.ask(reasoning_effort="low", max_tokens=64)
        message = answer.choices[0].message
        assert "<think>" not in (message.content or "") and "</think>" not in (message.content or "")
        assert answer.usage.completion_tokens_details.reasoning_tokens > 0
        off = self.ask(reasoning_effort=None, extra_body={"chat_template_kwargs": {"enable_thinking": False}})
        assert off.choices[0].message.content == self.ask().choices[0].message.content

    def check_tools(self):
        for choice in ("required", {"type": "function", "function": {"name": "paint"}}):
            answer = self.ask("Paint it.", tools=[PAINT], tool_choice=choice, max_tokens=300, parallel_tool_calls=False)
            assert answer.choices[0].finish_reason == "tool_calls" and answer.choices[0].message.content is None, answer
            assert len(answer.choices[0].message.tool_calls) == 1
            for call in answer.choices[0].message.tool_calls:
                assert call.id.startswith("call_") and call.function.name == "paint"
                jsonschema.validate(json.loads(call.function.arguments), PAINT["function"]["parameters"])
        message = answer.choices[0].message
        results = [{"role": "tool", "tool_call_id": call.id, "content": "done"} for call in message.tool_calls]
        messages = [{"role": "user", "content": "Paint it."}, message, *results]
        after = self.client.chat.completions.create(model="nano", messages=messages, tools=[PAINT], max_tokens=8, **QUIET)
        assert after.usage.prompt_tokens > answer.usage.prompt_tokens

    def check_tools_streamed(self):
        calls = {}
        for chunk in self.ask("Paint it.", tools=[PAINT], tool_choice="required", parallel_tool_calls=False,
                              stream=True, max_tokens=300):
            for call in chunk.choices[0].delta.tool_calls or []:
                entry = calls.setdefault(call.index, {"name": "", "arguments": ""})
                entry["name"] += call.function.name or ""
                entry["arguments"] += call.function.arguments or ""
        assert list(calls) == [0], calls
        assert calls[0]["name"] == "paint"
        jsonschema.validate(json.loads(calls[0]["arguments"]), PAINT["function"]["parameters"])

    def check_tools_parallel(self):
        answer = self.ask("Paint it.", tools=[PAINT], tool_choice="required", max_tokens=300)
        calls = answer.choices[0].message.tool_calls  # the nano model goes on calling
        assert len({call.id for call in calls}) == len(calls) > 1
        for call in calls:
            jsonschema.validate(json.loads(call.function.arguments), PAINT["function"]["parameters"])

    def check_tools_auto(self):
        answer = self.ask("Hello.", tools=[PAINT])
        assert answer.choices[0].message.content or answer.choices[0].message.tool_calls

    def check_tools_strict(self):
        """Under "auto" a call of a strict tool fits, and with a form the answer is a call or the form."""
        strict = {"type": "function", "function": {**PAINT["function"], "strict": True}}
        tags = self.client.post("/../tokenize", body={"prompt": "<tool_call>"}, cast_to=dict[str, object])["tokens"]
        form = {"type": "json_schema", "json_schema": {"name": "scene", "strict": True, "schema": SCENE}}
        for more in ({}, {"response_format": form}):
            answer = self.ask("Paint it.", tools=[strict], parallel_tool_calls=False, logit_bias={str(tags[0]): 100},
                              max_tokens=300, **more)
            (call,) = answer.choices[0].message.tool_calls
            jsonschema.validate(json.loads(call.function.arguments), PAINT["function"]["parameters"])
        answer = self.ask("Paint it.", tools=[strict], response_format=form, logit_bias={str(tags[0]): -100},
                          max_tokens=200)
        jsonschema.validate(json.loads(answer.choices[0].message.content), SCENE)

    def check_schema(self):
        form = {"type": "json_schema", "json_schema": {"name": "scene", "strict": True, "schema": SCENE}}
        for seed in range(4):
            answer = self.ask(response_format=form, max_tokens=200, temperature=1, seed=seed)
            assert answer.choices[0].finish_reason == "stop", answer
            jsonschema.validate(json.loads(answer.choices[0].message.content), SCENE)
        looked = self.ask(self.look(), response_format=form, max_tokens=200)
        jsonschema.validate(json.loads(looked.choices[0].message.content), SCENE)

    def check_json_object(self):
        answer = self.ask(response_format={"type": "json_object"}, max_tokens=400)
        if answer.choices[0].finish_reason == "stop":
            assert isinstance(json.loads(answer.choices[0].message.content), dict)
        else:
            assert answer.choices[0].message.content.lstrip().startswith("{")

    def check_logprobs(self):
        answer = self.ask(logprobs=True, top_logprobs=5, max_tokens=8)
        tokens = answer.choices[0].logprobs.content
        assert 0 < len(tokens) <= 8
        for token in tokens:
            assert token.logprob <= 0 and len(token.top_logprobs) == 5
            assert bytes(token.bytes).decode(errors="replace") == token.token
        spelled = b"".join(bytes(token.bytes) for token in tokens).decode()
        assert spelled.startswith(answer.choices[0].message.content)

    def check_choices(self):
        answer = self.ask(n=4, temperature=1.2, seed=3)
        again = self.ask(n=4, temperature=1.2, seed=3)
        texts = [choice.message.content for choice in answer.choices]
        assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
        assert len(set(texts)) > 1 and texts == [choice.message.content for choice in again.choices]
        seen = {chunk.choices[0].index for chunk in self.ask(n=4, stream=True)}
        assert seen == {0, 1, 2, 3}

    def check_stop(self):
        whole = self.ask().choices[0].message.content
        word = whole.split()[1]
        answer = self.ask(stop=[word, "never said"])
        assert answer.choices[0].message.content == whole[: whole.index(word)]
        assert answer.choices[0].finish_reason == "stop"

    def check_text_completions(self):
        answer = self.client.completions.create(model="nano", prompt="A red", max_tokens=6, temperature=0, logprobs=2)
        assert answer.object == "text_completion" and answer.choices[0].text
        assert len(answer.choices[0].logprobs.tokens) == 6
        pieces = self.client.completions.create(model="nano", prompt="A red", max_tokens=6, temperature=0, stream=True)
        assert "".join(piece.choices[0].text for piece in pieces) == answer.choices[0].text
        several = self.client.completions.create(model="nano", prompt=["A red", "A blue"], max_tokens=4, echo=True)
        assert [choice.text[:5] for choice in several.choices] == ["A red", "A blu"]

    def check_errors(self):
        def refused(kind, work):
            try:
                work()
            except kind as error:
                return error
            raise AssertionError(f"expected {kind.__name__}")

        error = refused(openai.NotFoundError, lambda: self.client.chat.completions.create(
            model="other", messages=[{"role": "user", "content": "Hi"}]))
        assert error.code == "model_not_found" and error.param == "model"
        error = refused(openai.BadRequestError, lambda: self.ask(temperature=9))
        assert error.param == "temperature"
        error = refused(openai.BadRequestError, lambda: self.ask(max_tokens=100000))
        assert error.code == "context_length_exceeded"
        refused(openai.NotFoundError, lambda: self.client.embeddings.create(model="nano", input="a"))
        stranger = openai.OpenAI(base_url=self.url + "/v1", api_key="wrong", max_retries=0)
        refused(openai.AuthenticationError, lambda: stranger.models.list())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--picture", required=True)
    options = parser.parse_args()
    checks = Checks(options.url, options.key, options.picture)
    names = [name for name in dir(checks) if name.startswith("check_")]
    for name in names:
        print("  " + name.removeprefix("check_"), flush=True)
        getattr(checks, name)()
    print(f"  {len(names)} kinds of calls of openai {openai.__version__} are answered")


if __name__ == "__main__":
    main()
