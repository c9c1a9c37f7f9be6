
// The page: the composer, the conversation, the dialogs, and the answer under way.

const questions = ['Describe this image.', 'How many objects are there?', 'What is at the top?'];

let root = new Turn(null, null);
let model = null;
let attached = [];
let reading = 0;  // pictures that are not attached yet
let sendsThen = false;  // whether the message goes once they are
let underWay = null;  // {turn, controller, reader, frame}
const views = new Map();
const settings = new Settings((name) => {
  if (name === 'key') connect();
});

const actions = {
  busy: () => underWay !== null,
  streaming: (turn) => underWay?.turn === turn,
  edit: (turn, words, pictures) => {
    if (!isReady()) return false;
    answer(turn.parent.add({...turn.message, text: words, pictures}));
    return true;
  },
  again: (turn) => {
    if (!isReady()) return;
    const {fault, text: words} = turn.message;
    if (fault && !words) turn.parent.next.splice(turn.parent.next.indexOf(turn), 1);
    answer(turn.parent);
  },
  choose: (turn, index) => {
    turn.parent.chosen = index;
    draw();
    const buttons = views.get(turn.parent.next[index]).element.querySelectorAll('.versions button:enabled');
    buttons[0]?.focus();
  },
  results: (turn, texts) => {
    if (isReady()) answer(turn.message.calls.reduce((last, call, i) => last.add({role: 'tool', id: call.id, text: texts[i]}), turn));
  },
  key: () => settings.openAt('set-key'),
};

// The conversation

function draw() {
  const path = root.path();
  const log = byId('log');
  const elements = path.map((turn) => {
    if (!views.has(turn)) views.set(turn, viewOf(turn, actions));
    const view = views.get(turn);
    view.update();
    return view.element;
  });
  let same = 0;
  while (same < elements.length && log.children[same] === elements[same]) ++same;
  while (log.childElementCount > same) log.lastElementChild.remove();
  log.append(...elements.slice(same));
  byId('hero').hidden = path.length > 0;
  for (const id of ['new', 'snippet-copy', 'snippet-save']) byId(id).disabled = path.length === 0;
  drawSend();
  drawContext();
}

function drawSend() {
  const send = byId('send');
  const stops = underWay !== null;
  send.setAttribute('aria-label', stops ? 'Stop the answer' : 'Send');
  send.replaceChildren(icon(stops ? 'stop' : 'send'));
  send.disabled = !stops && !byId('text').value.trim() && !attached.length;
}

function drawContext() {
  const last = root.path().findLast((turn) => turn.message.facts?.prompt != null)?.message.facts;
  const used = last ? last.prompt + (last.tokens ?? 0) : 0;
  byId('context').textContent = used ? `${counted(used)}${model?.context ? ` of ${counted(model.context)}` : ''} tokens of context` : '';
}

// To the message field, where what had the focus is gone; but no screen keyboard comes up by itself.
function keepFocus() {
  if (document.activeElement === document.body && !matchMedia('(pointer: coarse)').matches) byId('text').focus();
}

const scroll = byId('scroll');
const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
const toEnd = () => {
  scroll.scrollTop = scroll.scrollHeight;
  follows = true;
};
let follows = true;  // the end of the conversation, also when the window changes
scroll.addEventListener('scroll', () => {
  follows = atEnd();
  byId('to-end').hidden = follows;
}, {passive: true});
new ResizeObserver(() => {
  if (follows) toEnd();
}).observe(scroll);
byId('to-end').addEventListener('click', () => {
  toEnd();
  byId('text').focus();
});

// Whether the next answer may be asked for.
function isReady() {
  const fault = settings.fault();
  notice(fault, 'Settings', () => byId('settings-dialog').showModal());
  return !underWay && !fault;
}

// Asks for the answer behind this turn, and streams it.
async function answer(asked) {
  const turn = asked.add(newAnswer());
  const own = {turn, controller: new AbortController(), reader: new Reader(), frame: 0};
  underWay = own;
  draw();
  keepFocus();
  toEnd();
  announce('The model answers');
  const show = () => {
    own.frame = 0;
    views.get(turn)?.update();
    own.reader.update(turn.message.text, false);
    if (follows) toEnd();
  };
  const changed = () => { own.frame ||= requestAnimationFrame(show); };
  try {
    const request = apiRequest(asked.history(), settings.values, model?.name ?? 'default');
    await streamAnswer(request, settings.key, own.controller.signal, turn.message, changed);
  } catch (error) {
    if (error.name === 'AbortError') turn.message.finish = 'stopped';
    else turn.message.fault = {message: error.message, status: error.status ?? 0};
    if (error instanceof ApiError && error.status === 0) connect();
  }
  cancelAnimationFrame(own.frame);
  underWay = null;
  own.reader.update(turn.message.text, true);
  draw();
  if (follows) toEnd();
  if (!turn.message.fault) announce(turn.message.finish === 'stopped' ? 'Stopped' : 'The answer is whole');
}

function stop() {
  underWay?.controller.abort();
}

function begin(system, messages) {
  stop();
  sendsThen = false;
  root = new Turn(null, null);
  views.clear();
  let last = root;
  for (const message of messages) last = last.add(message);
  if (system !== null) settings.set('system', system);
  draw();
  toEnd();
}

// The composer

const text = byId('text');

function notice(message, label, act) {
  const parts = message ? [el('div', {class: 'fault'}, el('span', {}, message), label ? el('button', {type: 'button', class: 'button', onclick: act}, label) : null)] : [];
  byId('notice').replaceChildren(...parts);
}

function drawThumbs() {
  byId('thumbs').replaceChildren(...attached.map((picture) => thumbnail(picture, () => {
    attached = attached.filter((other) => other !== picture);
    drawThumbs();
    announce(`${picture.name} is removed`);
    text.focus();
  })));
  drawSend();
}

async function attach(files) {
  notice('');
  if (!model?.pictures && model) return notice(`${model.name} takes no pictures.`);
  reading += files.length;
  for (const file of files) {
    try {
      const picture = file instanceof File ? await readPicture(file, attached.length + 1) : file;
      attached.push(picture);
      announce(`${picture.name} is added`);
    } catch (error) {
      notice(error.message);
      sendsThen = false;
    }
    --reading;
    drawThumbs();
  }
  text.focus();
  if (sendsThen) send();
}

function send() {
  sendsThen = reading > 0;
  if (sendsThen || (!text.value.trim() && !attached.length) || !isReady()) return;
  const turn = (root.path().at(-1) ?? root).add({role: 'user', text: text.value.trim(), pictures: attached});
  attached = [];
  text.value = '';
  grow(text);
  drawThumbs();
  answer(turn);
}

byId('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  if (underWay) stop();
  else send();
});
text.addEventListener('input', () => {
  grow(text);
  drawSend();
});
text.addEventListener('keydown', (event) => {
  if (isSend(event)) {
    event.preventDefault();
    send();
  } else if (event.key === 'ArrowUp' && !text.value && !underWay) {
    const last = root.path().findLast((turn) => turn.message.role === 'user');
    if (!last) return;
    event.preventDefault();
    views.get(last).edit();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || document.querySelector('dialog[open]') || !underWay) return;
  stop();
  text.focus();
});
text.addEventListener('paste', (event) => {
  const files = [...event.clipboardData.files].filter((file) => file.type.startsWith('image/'));
  if (!files.length) return;
  event.preventDefault();
  attach(files);
});

const files = byId('files');
for (const id of ['pick', 'hero-pick']) byId(id).addEventListener('click', () => files.click());
files.addEventListener('change', () => {
  attach([...files.files]);
  files.value = '';
});
byId('hero-draw').addEventListener('click', async () => {
  await attach([drawScene()]);
  text.value ||= questions[0];
  drawSend();
});
byId('chips').append(...questions.map((question) => el('li', {}, el('button', {type: 'button', onclick: () => {
  text.value = question;
  grow(text);
  drawSend();
  text.focus();
}}, question))));
byId('think').addEventListener('click', () => settings.set('thinking', !settings.values.thinking));

let dragged = 0;  // how many nested elements the pointer is over
const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
const drag = (step) => (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  dragged = Math.max(0, dragged + step);
  byId('drop').hidden = dragged === 0;
};
document.addEventListener('dragenter', drag(1));
document.addEventListener('dragleave', drag(-1));
document.addEventListener('dragover', drag(0));
document.addEventListener('drop', (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  dragged = 0;
  byId('drop').hidden = true;
  attach([...event.dataTransfer.files]);
});

// The bar and the dialogs

byId('new').addEventListener('click', () => {
  begin(null, []);
  text.focus();
});
byId('theme').addEventListener('click', () => settings.set('theme', settings.dark ? 'light' : 'dark'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => settings.set('theme', settings.values.theme));

for (const dialog of document.querySelectorAll('dialog')) {
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}
byId('viewer').addEventListener('close', () => byId('viewer-picture').removeAttribute('src'));

const formOf = () => document.querySelector('input[name="form"]:checked').value;
const wholeSnippet = (inside) => snippet(formOf(), {
  messages: root.path().map((turn) => turn.message), settings: settings.values, model: model?.name ?? 'default', key: settings.key, inside,
});

function drawSnippet() {
  const form = formOf();
  const some = root.path().length > 0;
  const names = [...namedPictures(root.path().map((turn) => turn.message)).values()];
  byId('inside-label').hidden = form === 'json' || !names.length;
  byId('inside-note').textContent = `Otherwise they are read from ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''} beside it.`;
  byId('share-note').textContent = '';
  byId('snippet').textContent = some ? wholeSnippet(byId('inside').checked).replace(/(base64,[A-Za-z0-9+/]{24})[A-Za-z0-9+/=]{24,}/g, '$1…') : 'Nothing was said yet.';
}

byId('share').addEventListener('click', () => {
  drawSnippet();
  byId('share-dialog').showModal();
});
byId('share-dialog').addEventListener('change', (event) => {
  if (event.target.id !== 'import-file') drawSnippet();
});
byId('snippet-copy').addEventListener('click', async () => {
  const copied = copyText(wholeSnippet(byId('inside').checked));
  byId('share-note').textContent = await copied.then(() => 'Copied.', (error) => error.message);
});
byId('snippet-save').addEventListener('click', () => {
  save({curl: 'conversation.sh', python: 'conversation.py', json: 'conversation.json'}[formOf()], wholeSnippet(byId('inside').checked));
});
byId('import').addEventListener('click', () => byId('import-file').click());
byId('import-file').addEventListener('change', async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  try {
    const {system, messages} = readMessages(await file.text());
    begin(system, messages);
    byId('share-dialog').close();
    text.focus();
  } catch (error) {
    byId('share-note').textContent = error.message;
  }
  event.target.value = '';
});

// The server

let again = 0;

async function connect() {
  clearTimeout(again);
  const state = byId('model');
  try {
    model = await readModel(settings.key);
    state.dataset.state = 'on';
    byId('model-name').textContent = model.name;
    document.title = `${model.name} · artemis`;
    notice('');
    for (const id of ['pick', 'hero-pictures']) byId(id).hidden = !model.pictures;
    byId('hero-title').textContent = model.pictures ? 'Show it something.' : 'Ask it something.';
  } catch (error) {
    state.dataset.state = 'off';
    if (error.status === 401) {
      byId('model-name').textContent = 'needs a key';
      notice('This server needs an API key.', 'Enter the key', () => settings.openAt('set-key'));
    } else {
      byId('model-name').textContent = 'no connection';
      notice(error.message, 'Try again', connect);
      again = setTimeout(connect, 4000);
    }
  }
  drawContext();
}

// A screen keyboard takes from the height of the page where the browser does not do that by itself.
visualViewport?.addEventListener('resize', () => {
  if (visualViewport.scale === 1) document.documentElement.style.setProperty('--view', `${visualViewport.height}px`);
});

draw();
connect();
keepFocus();
