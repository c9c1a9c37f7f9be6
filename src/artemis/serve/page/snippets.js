
// The conversation as others run it: curl, Python with OpenAI's client, and a file to open here again.

// Each picture under a file name of its own.
function namedPictures(messages) {
  const names = new Map();
  const taken = new Set();
  for (const picture of messages.flatMap((message) => message.pictures ?? [])) {
    if (names.has(picture)) continue;
    const [, stem, ending] = /^(.*?)(\.[^.]*)?$/.exec(picture.name);
    let name = picture.name;
    for (let i = 2; taken.has(name); ++i) name = `${stem}-${i}${ending ?? ''}`;
    taken.add(name);
    names.set(picture, name);
  }
  return names;
}

// Stands for a picture in JSON until the reading of its file is put there (a private-use character on each side).
const placeOf = (name) => `\ue000${name}\ue000`;
const kindOf = (picture) => picture.url.slice('data:'.length, picture.url.indexOf(';'));
const shellQuoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curlSnippet(request, pictures, key) {
  const body = JSON.stringify(request, null, 2).replace(/[\\$`]/g, '\\$&').replace(/\ue000(.*?)\ue000/g, (all, name) => {
    const picture = pictures.find(([, file]) => file === name)?.[0];
    return picture === undefined ? all : `data:${kindOf(picture)};base64,$(base64 < ${shellQuoted(name)} | tr -d '\\n')`;
  });
  const lines = [`curl ${apiUrl('chat/completions')}`, "  -H 'Content-Type: application/json'"];
  if (key) lines.push('  -H "Authorization: Bearer $ARTEMIS_API_KEY"');
  return `${lines.join(' \\\n')} \\\n  --data-binary @- <<END\n${body}\nEND\n`;
}

// A value as Python writes it, with the reading of files for pictures.
function python(value, pictures, indent = '') {
  const deeper = `${indent}    `;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    const [picture, name] = pictures.find(([, file]) => placeOf(file) === value) ?? [];
    return picture ? `picture(${JSON.stringify(name)}, ${JSON.stringify(kindOf(picture))})` : JSON.stringify(value);
  }
  const items = Array.isArray(value) ? value.map((item) => python(item, pictures, deeper)) :
    Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${python(item, pictures, deeper)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const short = open + items.join(', ') + close;
  if (short.length < 90 && !short.includes('\n')) return short;
  return `${open}\n${items.map((item) => `${deeper}${item},\n`).join('')}${indent}${close}`;
}

function pythonSnippet(request, pictures, key) {
  const {chat_template_kwargs: extra, ...known} = request;
  const given = Object.entries(known).map(([name, value]) => `    ${name}=${python(value, pictures, '    ')},\n`).join('');
  const reads = pictures.length > 0;
  const imports = [reads && 'import base64', key && 'import os'].filter(Boolean);
  const helper = 'def picture(file, kind):\n    with open(file, "rb") as opened:\n        data = base64.b64encode(opened.read()).decode()\n' +
    '    return f"data:{kind};base64,{data}"\n\n\n';
  return `${imports.length ? `${imports.join('\n')}\n\n` : ''}from openai import OpenAI\n\n\n${reads ? helper : ''}` +
    `client = OpenAI(base_url=${JSON.stringify(apiUrl('').replace(/\/$/, ''))}, api_key=${key ? 'os.environ["ARTEMIS_API_KEY"]' : '"none"'})\n` +
    `answer = client.chat.completions.create(\n${given}    extra_body=${python({chat_template_kwargs: extra}, pictures, '    ')},\n)\nprint(answer.choices[0].message.content)\n`;
}

// The request that gave the last answer (or would give the next) as text of this form: 'curl', 'python' or 'json'.
function snippet(form, {messages, settings, model, key, inside}) {
  if (form === 'json') return `${JSON.stringify({model, messages: apiRequest(messages, settings, model).messages}, null, 2)}\n`;
  const asked = messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages;
  const pictures = inside ? [] : [...namedPictures(asked)];  // that are read from their files
  const names = new Map(pictures);
  const request = apiRequest(asked, settings, model, inside ? undefined : (picture) => placeOf(names.get(picture)));
  return form === 'curl' ? curlSnippet(request, pictures, key) : pythonSnippet(request, pictures, key);
}
