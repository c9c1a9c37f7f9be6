
// A conversation as a tree: a message that is edited, or an answer made again, stands beside the earlier one, and a
// path of chosen turns leads through it.
//
// A message: {role: 'user', text, pictures: [{name, url}]}, {role: 'tool', id, text} or
// {role: 'assistant', text, thought, calls: [{id, name, arguments}], facts, finish, fault}.

class Turn {
  constructor(message, parent) {
    this.message = message;
    this.parent = parent;
    this.next = [];
    this.chosen = -1;
  }
  add(message) {
    const turn = new Turn(message, this);
    this.chosen = this.next.push(turn) - 1;
    return turn;
  }
  // The turns that follow from here, along what is chosen.
  path() {
    const turns = [];
    for (let turn = this.next[this.chosen]; turn; turn = turn.next[turn.chosen]) turns.push(turn);
    return turns;
  }
  // The messages up to this turn.
  history() {
    const messages = [];
    for (let turn = this; turn.parent; turn = turn.parent) messages.unshift(turn.message);
    return messages;
  }
}

// A message as the API takes it; `urlOf` says what stands for a picture.
function apiMessage(message, urlOf = (picture) => picture.url) {
  if (message.role === 'tool') return {role: 'tool', tool_call_id: message.id, content: message.text};
  if (message.role === 'user') {
    if (!message.pictures.length) return {role: 'user', content: message.text};
    const parts = message.pictures.map((picture) => ({type: 'image_url', image_url: {url: urlOf(picture)}}));
    if (message.text) parts.push({type: 'text', text: message.text});
    return {role: 'user', content: parts};
  }
  const result = {role: 'assistant', content: message.text};
  if (message.thought) result.reasoning_content = message.thought;
  if (message.calls.length) {
    result.tool_calls = message.calls.map(({id, name, arguments: given}) => ({id, type: 'function', function: {name, arguments: given}}));
  }
  return result;
}

const newAnswer = () => ({role: 'assistant', text: '', thought: '', calls: [], facts: null, finish: null, fault: null});

// The request for the answer behind these messages, with what the settings ask for.
function apiRequest(messages, settings, model, urlOf) {
  const system = settings.system.trim() ? [{role: 'system', content: settings.system}] : [];
  const said = messages.filter((message) => message.role !== 'assistant' || message.text || message.thought || message.calls.length);
  const request = {model, messages: [...system, ...said.map((message) => apiMessage(message, urlOf))]};
  for (const key of ['temperature', 'top_p', 'max_tokens', 'seed']) {
    if (settings[key] !== '') request[key === 'max_tokens' ? 'max_completion_tokens' : key] = Number(settings[key]);
  }
  if (settings.json) request.response_format = {type: 'json_object'};
  if (settings.tools.trim()) request.tools = JSON.parse(settings.tools);
  request.chat_template_kwargs = {enable_thinking: settings.thinking};
  return request;
}

// The messages of a file that was saved here, or of a list in OpenAI's form; and the system message. Throws Error that
// names the message.
function readMessages(text) {
  let saved;
  try {
    saved = JSON.parse(text);
  } catch (error) {
    throw new Error(`The file is not JSON: ${error.message}`);
  }
  const list = Array.isArray(saved) ? saved : saved?.messages;
  if (!Array.isArray(list)) throw new Error('The file has no list of messages.');
  let system = '';
  const messages = [];
  list.forEach((message, i) => {
    const fail = (what) => { throw new Error(`Message ${i + 1}: ${what}.`); };
    const parts = typeof message?.content === 'string' ? [{type: 'text', text: message.content}] : message?.content ?? [];
    if (!Array.isArray(parts)) fail('its content is neither a text nor a list');
    const words = parts.filter((part) => part?.type === 'text').map((part) => String(part.text)).join('\n');
    const urls = parts.filter((part) => part?.type !== 'text').map((part) => part?.image_url?.url);
    if (!urls.every((url) => /^data:image\/(png|jpeg|webp);base64,[A-Za-z0-9+/]+=*$/.test(url ?? ''))) {
      fail('a picture is not inside the file, as a data: URL of PNG, JPEG or WebP');
    }
    if (message.role === 'system' && !messages.length) {
      system = words;
    } else if (message.role === 'user') {
      messages.push({role: 'user', text: words, pictures: urls.map((url, n) => ({name: `picture-${n + 1}.${url.slice(11, 14).replace('jpe', 'jpg').replace('web', 'webp')}`, url}))});
    } else if (message.role === 'tool') {
      messages.push({role: 'tool', id: String(message.tool_call_id ?? ''), text: words});
    } else if (message.role === 'assistant') {
      const calls = (message.tool_calls ?? []).map((call) => ({id: String(call?.id ?? ''), name: String(call?.function?.name ?? ''), arguments: String(call?.function?.arguments ?? '')}));
      messages.push({...newAnswer(), text: words, thought: String(message.reasoning_content ?? ''), calls});
    } else {
      fail(`the role '${message.role}' has no place here`);
    }
  });
  if (!messages.length) throw new Error('The file holds no messages.');
  return {system, messages};
}
