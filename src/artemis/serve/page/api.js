
// The server: its model, and answers as they come.

class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;  // 0: the server was not reached, or broke off
  }
}

const apiUrl = (path) => new URL(`v1/${path}`, document.baseURI).href;
const authorization = (key) => (key ? {Authorization: `Bearer ${key}`} : {});

async function reach(path, key, options = {}) {
  let response;
  try {
    response = await fetch(apiUrl(path), {...options, headers: {...authorization(key), ...options.headers}});
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('The server cannot be reached.');
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => '');
  let message = '';
  try {
    message = JSON.parse(text).error.message;
  } catch {
    message = `The server answered ${response.status} ${response.statusText}`.trim();
  }
  throw new ApiError(String(message), response.status);
}

// {name, pictures: whether it takes them, context: tokens, or null}
async function readModel(key) {
  const {data} = await (await reach('models', key)).json();
  const model = data?.[0];
  if (!model) throw new ApiError('The server has no model.');
  const kinds = model.input_modalities ?? model.architecture?.input_modalities;
  return {name: String(model.id), pictures: !Array.isArray(kinds) || kinds.includes('image'), context: model.max_model_len ?? null};
}

// The data of each server-sent event.
async function* eventsOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data = [];
  try {
    for (;;) {
      const {done, value} = await reader.read();
      const lines = (rest + decoder.decode(value, {stream: !done})).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
        if (line) continue;
        if (data.length) yield data.join('\n');
        data = [];
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Streams an answer into `answer` (newAnswer()), and calls `changed` behind each piece. Throws ApiError, or what the
// signal was aborted with.
async function streamAnswer(request, key, signal, answer, changed) {
  const begun = performance.now();
  let first = 0;
  let last = 0;
  let usage = null;
  const response = await reach('chat/completions', key, {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({...request, stream: true, stream_options: {include_usage: true}}),
    signal,
  });
  const take = (delta) => {
    last = performance.now();
    first ||= last;
    answer.text += delta.content ?? '';
    answer.thought += delta.reasoning_content ?? '';
    for (const part of delta.tool_calls ?? []) {
      const call = answer.calls[part.index ?? 0] ??= {id: '', name: '', arguments: ''};
      call.id ||= part.id ?? '';
      call.name += part.function?.name ?? '';
      call.arguments += part.function?.arguments ?? '';
    }
  };
  let whole = false;
  try {
    for await (const data of eventsOf(response.body)) {
      if (data === '[DONE]') {
        whole = true;
        break;
      }
      const event = JSON.parse(data);
      if (event.error) throw new ApiError(String(event.error.message ?? 'The answer broke off.'), Number(event.error.code) || 0);
      usage = event.usage ?? usage;
      const choice = event.choices?.[0];
      if (choice?.delta && (choice.delta.content || choice.delta.reasoning_content || choice.delta.tool_calls)) take(choice.delta);
      answer.finish = choice?.finish_reason ?? answer.finish;
      changed();
    }
  } catch (error) {
    if (error.name === 'AbortError' || error instanceof ApiError) throw error;
    throw new ApiError(error instanceof SyntaxError ? 'The server sent what is no event of an answer.' : 'The connection broke off in mid-answer.');
  }
  if (!whole) throw new ApiError('The connection broke off in mid-answer.');
  const count = usage?.completion_tokens ?? null;
  answer.facts = {
    tokens: count,
    prompt: usage?.prompt_tokens ?? null,
    cached: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    first: first ? (first - begun) / 1000 : null,
    rate: count > 1 && last > first ? (count - 1) / ((last - first) / 1000) : null,
  };
}
