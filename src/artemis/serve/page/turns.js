
// One turn of the conversation on the page. `actions` are what its buttons do: edit(turn, text, pictures), which says
// whether it could, again(turn), choose(turn, index), results(turn, texts), key(); and what it asks: busy(),
// streaming(turn). A view is not whole before its first update(); each leaves in place what did not change, so that a
// selection, the focus and what someone writes there stay.

function pictureList(pictures) {
  const items = pictures.map((picture) => {
    const show = () => {
      byId('viewer-picture').src = picture.url;
      byId('viewer-picture').alt = picture.name;
      byId('viewer').showModal();
    };
    return el('li', {}, el('button', {type: 'button', 'aria-label': `Show ${picture.name}`, onclick: show}, el('img', {src: picture.url, alt: picture.name})));
  });
  return el('ul', {class: pictures.length > 1 ? 'pictures several' : 'pictures', 'aria-label': 'Pictures'}, ...items);
}

// The buttons that lead to the versions before and behind this one.
class Versions {
  constructor(turn, actions) {
    this.turn = turn;
    const step = (name, label, by) => iconButton(name, label, () => actions.choose(turn, turn.parent.next.indexOf(turn) + by));
    this.earlier = step('left', 'Earlier version', -1);
    this.place = el('span');
    this.later = step('right', 'Later version', 1);
    this.element = el('span', {class: 'versions'}, this.earlier, this.place, this.later);
  }
  update() {
    const all = this.turn.parent.next;
    const at = all.indexOf(this.turn);
    this.element.hidden = all.length < 2;
    this.earlier.disabled = at === 0;
    this.place.textContent = `${at + 1}/${all.length}`;
    this.later.disabled = at === all.length - 1;
  }
}

function fold(kind, picture, title, open, ...inside) {
  const summary = el('summary', {}, icon(picture), ...title);
  return el('details', {class: `fold ${kind}`, open}, summary, el('div', {}, ...inside));
}

const tidy = (json) => {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;  // not whole yet, or no JSON
  }
};

const counted = (value) => new Intl.NumberFormat('en', {maximumFractionDigits: 0}).format(value);
const seconds = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0));

function factsOf({facts, finish}) {
  const words = [];
  if (facts?.tokens != null) words.push(`${counted(facts.tokens)} token${facts.tokens === 1 ? '' : 's'}`);
  if (facts?.rate) words.push(`${facts.rate < 10 ? facts.rate.toFixed(1) : counted(facts.rate)} tok/s`);
  if (facts?.first != null) words.push(`first after ${seconds(facts.first)} s`);
  if (finish === 'stopped') words.push('stopped');
  if (finish === 'length') words.push('cut at the most tokens');
  return words.join(' · ');
}

class UserView {
  constructor(turn, actions) {
    const {text, pictures} = turn.message;
    this.turn = turn;
    this.actions = actions;
    this.versions = new Versions(turn, actions);
    this.pen = iconButton('edit', 'Edit this message', () => this.edit());
    this.shown = [el('h2', {class: 'hidden'}, 'You said'), ...(pictures.length ? [pictureList(pictures)] : []), ...(text ? [el('div', {class: 'words'}, text)] : []),
      el('div', {class: 'actions'}, this.versions.element, copyButton('Copy this message', () => text), this.pen)];
    this.element = el('article', {class: 'turn user'}, ...this.shown);
    this.field = null;  // of the editor, while it is open
  }
  update() {
    this.versions.update();
    this.pen.disabled = this.actions.busy();
  }
  edit() {
    if (this.field) return this.field.focus();
    const {text, pictures} = this.turn.message;
    let kept = [...pictures];
    const field = el('textarea', {'aria-label': 'The message', rows: 1});
    field.value = text;
    const thumbs = el('ul', {class: 'thumbs', 'aria-label': 'Pictures of this message'});
    const draw = () => thumbs.replaceChildren(...kept.map((picture) => thumbnail(picture, () => {
      kept = kept.filter((other) => other !== picture);
      draw();
      field.focus();
    })));
    const close = () => {
      this.field = null;
      this.element.replaceChildren(...this.shown);
    };
    const leave = () => {
      close();
      (this.pen.disabled ? byId('text') : this.pen).focus();
    };
    const send = (event) => {
      event.preventDefault();
      if ((field.value.trim() || kept.length) && this.actions.edit(this.turn, field.value.trim(), kept)) close();
    };
    const form = el('form', {class: 'editor', 'aria-label': 'Edit', onsubmit: send, onkeydown: (event) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        leave();
      } else if (isSend(event)) {
        send(event);
      }
    }}, thumbs, field, el('div', {class: 'row'}, el('button', {type: 'button', class: 'button', onclick: leave}, 'Cancel'), el('button', {class: 'button main'}, 'Send')));
    draw();
    this.field = field;
    this.element.replaceChildren(form);
    field.addEventListener('input', () => grow(field));
    grow(field);
    field.focus();
  }
}

class ToolView {
  constructor(turn) {
    this.element = el('article', {class: 'turn tool'}, icon('tool'), el('div', {class: 'body'}, el('h2', {class: 'hidden'}, 'A tool answered'),
      fold('result', 'tool', ['Result'], false, el('pre', {tabindex: 0, 'aria-label': 'Result'}, tidy(turn.message.text)))));
  }
  update() {}
}

class AnswerView {
  constructor(turn, actions) {
    this.turn = turn;
    this.actions = actions;
    this.thought = el('div');
    this.thoughtTitle = el('span');
    this.thoughtFold = el('details', {class: 'fold thought', hidden: true}, el('summary', {}, icon('think'), this.thoughtTitle), this.thought);
    this.waiting = el('div', {class: 'waiting'}, el('span', {class: 'hidden'}, 'Waiting for the answer'), el('i'), el('i'), el('i'));
    this.answer = el('div', {class: 'answer'});
    this.calls = el('div', {class: 'body'});
    this.again = iconButton('again', 'Answer again', () => actions.again(turn));
    this.versions = new Versions(turn, actions);
    this.end = el('div', {class: 'body'});
    this.element = el('article', {class: 'turn assistant'}, icon('mark', 'mark'), el('div', {class: 'body'},
      el('h2', {class: 'hidden'}, 'The model said'), this.thoughtFold, this.waiting, this.answer, this.calls, this.end));
    this.ended = false;
  }
  update() {
    if (!this.ended) this.#show(this.actions.streaming(this.turn));
    if (this.turn.next.length) this.calls.querySelector('form')?.remove();
    this.again.disabled = this.actions.busy();
    this.versions.update();
  }
  #show(streaming) {
    const {message} = this.turn;
    const empty = !message.text && !message.thought && !message.calls.length;
    this.element.classList.toggle('streaming', streaming);
    this.element.setAttribute('aria-busy', streaming);
    this.waiting.hidden = !streaming || !empty;
    this.thoughtFold.hidden = !message.thought;
    this.thought.textContent = message.thought.trim();
    this.thoughtTitle.textContent = streaming && !message.text && !message.calls.length ? 'Thinking …' : 'Thoughts';
    renderMarkdown(this.answer, message.text);
    this.answer.hidden = !message.text;
    this.#showCalls(streaming);
    this.end.replaceChildren(...(streaming ? [] : this.#ending(empty)));
    this.ended = !streaming;
  }
  #showCalls(streaming) {
    const {calls} = this.turn.message;
    this.calls.hidden = !calls.length;
    const open = [...this.calls.querySelectorAll('details')].map((details) => details.open);
    this.calls.replaceChildren(...calls.map((call, i) => fold('call', 'tool', [el('span', {}, 'Calls ', el('b', {}, call.name))], open[i] ?? false,
      el('pre', {tabindex: 0, 'aria-label': `Arguments of ${call.name}`}, tidy(call.arguments)))));
    if (!streaming && calls.length) this.calls.append(this.#results(calls));
  }
  // A field for what each call gave.
  #results(calls) {
    const fields = calls.map(() => el('textarea', {rows: 2, spellcheck: 'false'}));
    const labels = calls.map((call, i) => el('label', {}, el('small', {}, `What ${call.name} gives`), fields[i]));
    const send = (event) => {
      event.preventDefault();
      this.actions.results(this.turn, fields.map((field) => field.value));
    };
    return el('form', {class: 'results body', 'aria-label': 'Results of the calls', onsubmit: send}, ...labels, el('div', {}, el('button', {class: 'button'}, 'Send the results')));
  }
  #ending(empty) {
    const {message} = this.turn;
    const {fault} = message;
    const parts = [];
    if (fault) {
      const mend = fault.status === 401 ? el('button', {type: 'button', class: 'button', onclick: () => this.actions.key()}, 'Enter the key') :
        el('button', {type: 'button', class: 'button', onclick: () => this.actions.again(this.turn)}, 'Try again');
      parts.push(el('div', {class: 'fault', role: 'alert'}, el('span', {}, el('b', {}, fault.status ? `Refused (${fault.status}). ` : 'No answer. '), fault.message), mend));
    } else if (empty || (!message.text && !message.calls.length)) {
      parts.push(el('p', {class: 'note'}, message.thought ? 'It thought, and said nothing.' : 'It said nothing.'));
    }
    parts.push(el('div', {class: 'actions'}, message.text ? copyButton('Copy this answer', () => message.text) : null, this.again, this.versions.element, el('span', {class: 'facts'}, factsOf(message))));
    return parts;
  }
}

function viewOf(turn, actions) {
  const {role} = turn.message;
  return role === 'user' ? new UserView(turn, actions) : role === 'tool' ? new ToolView(turn) : new AnswerView(turn, actions);
}

function thumbnail(picture, remove) {
  return el('li', {}, el('img', {src: picture.url, alt: picture.name}), iconButton('close', `Remove ${picture.name}`, remove));
}

// Enter sends; with Shift, or on a screen keyboard, it starts a line. Not while an input method composes a word.
const isSend = (event) => event.key === 'Enter' && !event.shiftKey && !event.isComposing && !matchMedia('(pointer: coarse)').matches;
