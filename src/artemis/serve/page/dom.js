
'use strict';

// Elements, text on the clipboard, and what is read aloud.

const byId = (id) => document.getElementById(id);

// An element with attributes (`on...` are listeners, true and false switch) and children; text is only ever text.
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A drawing of the sprite in index.html.
function icon(name, kind = '') {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  if (kind) svg.setAttribute('class', kind);
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

function iconButton(name, label, onclick) {
  return el('button', {type: 'button', class: 'icon', 'aria-label': label, title: label, onclick}, icon(name));
}

// navigator.clipboard is there on secure pages only (https, localhost); elsewhere a selected field is copied.
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = el('textarea', {class: 'hidden', 'aria-hidden': 'true'});
  field.value = text;
  const focused = document.activeElement;
  (focused?.closest('dialog') ?? document.body).append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  if (!copied) throw new Error('This browser does not let the page copy.');
}

// A button that copies what `text()` gives, and shows that it did.
function copyButton(label, text) {
  const button = iconButton('copy', label, async () => {
    try {
      await copyText(text());
    } catch (error) {
      return announce(error.message);
    }
    button.replaceChildren(icon('check'));
    announce('Copied');
    setTimeout(() => button.replaceChildren(icon('copy')), 1500);
  });
  return button;
}

// Says this to a screen reader, behind what it is saying.
function announce(text) {
  const status = byId('status');
  status.append(el('p', {}, text));
  while (status.childElementCount > 20) status.firstElementChild.remove();
}

// Reads a growing text aloud by whole sentences, not token by token.
class Reader {
  #said = 0;
  update(text, ended) {
    const fresh = text.slice(this.#said);
    const sentence = ended ? fresh : (/^[^]*[.!?:\n](?=\s)/.exec(fresh)?.[0] ?? '');
    if (!sentence) return;
    this.#said += sentence.length;
    if (sentence.trim()) announce(sentence.trim());
  }
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text]));
  el('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function grow(field) {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
