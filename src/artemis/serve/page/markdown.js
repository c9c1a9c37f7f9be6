
// Markdown as elements. Text of a model never becomes markup: every piece is a text node, links are http(s) or mail,
// pictures are links. The time grows with the text; nesting is bounded.

const deepest = 6;

const fenceOf = (line) => /^ {0,3}(`{3,}|~{3,})[ \t]*([^`\s]*)/.exec(line);
const itemOf = (line) => /^( *)([-*+]|\d{1,9}[.)])(?: +|$)/.exec(line);
const headingOf = (line) => /^(#{1,6})[ \t]+(.*)$/.exec(line);
const isRule = (line) => /^(\*{3,}|-{3,}|_{3,})$/.test(line.replaceAll(' ', ''));
const cellsOf = (line) => line.trim().replace(/^\|/, '').replace(/\|$/, '').split('|').map((cell) => cell.trim());
const isTable = (lines, i) =>
  lines[i].includes('|') && i + 1 < lines.length && lines[i + 1].includes('-') &&
  cellsOf(lines[i + 1]).every((cell) => /^:?-+:?$/.test(cell)) && cellsOf(lines[i + 1]).length === cellsOf(lines[i]).length;
const beginsBlock = (lines, i) =>
  fenceOf(lines[i]) || headingOf(lines[i]) || isRule(lines[i]) || lines[i].startsWith('>') || itemOf(lines[i]) || isTable(lines, i);

// The end of the block that begins at line i, and its kind.
function blockAt(lines, i) {
  const line = lines[i];
  let end = i + 1;
  const fence = fenceOf(line);
  if (fence) {
    const closes = (other) => other.trim().startsWith(fence[1]) && /^[`~]+$/.test(other.trim());
    while (end < lines.length && !closes(lines[end])) ++end;
    return {kind: 'code', end: Math.min(end + 1, lines.length)};
  }
  if (headingOf(line)) return {kind: 'heading', end};
  if (isRule(line)) return {kind: 'rule', end};
  if (line.startsWith('>')) {
    while (end < lines.length && lines[end].startsWith('>')) ++end;
    return {kind: 'quote', end};
  }
  if (itemOf(line)) {
    const inside = (other) => itemOf(other) || other.startsWith('  ');
    while (end < lines.length) {
      if (lines[end].trim() ? !inside(lines[end]) && (!lines[end - 1].trim() || beginsBlock(lines, end)) : false) break;
      if (isRule(lines[end])) break;
      ++end;
    }
    return {kind: 'list', end};
  }
  if (isTable(lines, i)) {
    while (end < lines.length && lines[end].includes('|')) ++end;
    return {kind: 'table', end};
  }
  while (end < lines.length && lines[end].trim() && !beginsBlock(lines, end)) ++end;
  return {kind: 'paragraph', end};
}

function blocksOf(lines) {
  const blocks = [];
  for (let i = 0; i < lines.length;) {
    if (!lines[i].trim()) {
      ++i;
      continue;
    }
    const {kind, end} = blockAt(lines, i);
    blocks.push({kind, lines: lines.slice(i, end)});
    i = end;
  }
  return blocks;
}

function codeBlock(lines) {
  const [, fence, language] = fenceOf(lines[0]);
  const closed = lines.length > 1 && lines.at(-1).trim().startsWith(fence);
  const text = lines.slice(1, closed ? -1 : undefined).join('\n');
  const name = el('span', {}, 'Copy');
  const copy = el('button', {type: 'button', onclick: async () => {
    await copyText(text).then(() => { name.textContent = 'Copied'; }, (error) => announce(error.message));
    setTimeout(() => { name.textContent = 'Copy'; }, 1500);
  }}, icon('copy'), name);
  return el('div', {class: 'code'}, el('div', {}, el('span', {}, language || 'text'), copy),
            el('pre', {tabindex: 0, 'aria-label': `Code, ${language || 'text'}`}, el('code', {}, text)));
}

function listBlock(lines, depth) {
  const first = itemOf(lines[0]);
  const ordered = /\d/.test(first[2]);
  const items = [];
  for (const line of lines) {
    const item = itemOf(line);
    if (item && item[1].length <= first[1].length + 1) items.push({indent: item[0].length, lines: [line.slice(item[0].length)]});
    else items.at(-1).lines.push(line.slice(Math.min(items.at(-1).indent, line.length - line.trimStart().length)));
  }
  const list = el(ordered ? 'ol' : 'ul', ordered ? {start: parseInt(first[2], 10)} : {});
  for (const item of items) {
    const blocks = blocksOf(item.lines);
    const entry = el('li');
    for (const block of blocks) {
      if (block.kind === 'paragraph') inline(entry.appendChild(el('div')), block.lines.join('\n'));
      else entry.append(blockElement(block, depth + 1));
    }
    list.append(entry);
  }
  return list;
}

function tableBlock(lines) {
  const row = (line, name) => el('tr', {}, ...cellsOf(line).map((cell) => inline(el(name), cell)));
  const head = el('thead', {}, row(lines[0], 'th'));
  const body = el('tbody', {}, ...lines.slice(2).map((line) => row(line, 'td')));
  return el('div', {class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Table'}, el('table', {}, head, body));
}

function blockElement({kind, lines}, depth = 0) {
  if (kind === 'code') return codeBlock(lines);
  if (kind === 'rule') return el('hr');
  if (kind === 'heading') {
    const [, marks, text] = headingOf(lines[0]);
    return inline(el(`h${Math.min(marks.length + 2, 5)}`), text.replace(/[ \t]#+$/, ''));
  }
  if (kind === 'list' && depth < deepest) return listBlock(lines, depth);
  if (kind === 'table') return tableBlock(lines);
  if (kind === 'quote' && depth < deepest) {
    const inner = blocksOf(lines.map((line) => line.replace(/^> ?/, '')));
    return el('blockquote', {}, ...inner.map((block) => blockElement(block, depth + 1)));
  }
  return inline(el('p'), lines.join('\n'));
}

const linkAt = /\[([^[\]\n]{1,400})\]\(\s?<?((?:https?:\/\/|mailto:)[^\s<>()]{1,2000}(?:\([^\s<>()]{0,400}\)[^\s<>()]{0,400})?)>?(?:\s"[^"\n]{0,400}")?\)/y;
const urlAt = /https?:\/\/[^\s<>"'`]{1,2000}/y;
const at = (pattern, text, i) => {
  pattern.lastIndex = i;
  return pattern.exec(text);
};
const isWord = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

// Where emphasis that opens at i with this mark closes, or -1.
function closing(text, mark, i) {
  const begin = i + mark.length;
  if (!text[begin]?.trim() || (mark[0] === '_' && isWord(text[i - 1]))) return -1;
  for (let end = text.indexOf(mark, begin + 1); end !== -1 && end - begin < 4000; end = text.indexOf(mark, end + 1)) {
    const within = mark.length === 1 && text[end + 1] === mark;
    if (within) ++end;
    else if (text[end - 1].trim() && !(mark[0] === '_' && isWord(text[end + mark.length]))) return end;
  }
  return -1;
}

function link(url, text) {
  return el('a', {href: url, target: '_blank', rel: 'noopener noreferrer'}, text);
}

// Fills an element with text of one line or several; gives it back.
function inline(parent, text, depth = 0) {
  let plain = '';
  const flush = () => {
    if (plain) parent.append(plain);
    plain = '';
  };
  const add = (element, end) => {
    flush();
    parent.append(element);
    return end;
  };
  for (let i = 0; i < text.length;) {
    const c = text[i];
    if (c === '\\' && /[!-/:-@[-`{-~]/.test(text[i + 1] ?? '')) {
      plain += text[i + 1];
      i += 2;
      continue;
    }
    if (c === '\n') {
      i = add(el('br'), i + 1);
      continue;
    }
    if (c === '`') {
      const fence = /`+/y;
      const mark = at(fence, text, i)[0];
      const end = text.indexOf(mark, i + mark.length);
      if (end !== -1) {
        i = add(el('code', {}, text.slice(i + mark.length, end).trim()), end + mark.length);
      } else {
        plain += mark;
        i += mark.length;
      }
      continue;
    }
    if ('*_~'.includes(c) && depth < deepest) {
      const mark = text[i + 1] === c ? c + c : c;
      const end = mark === '~' ? -1 : closing(text, mark, i);
      if (end !== -1) {
        const name = c === '~' ? 'del' : mark.length === 2 ? 'strong' : 'em';
        i = add(inline(el(name), text.slice(i + mark.length, end), depth + 1), end + mark.length);
        continue;
      }
    }
    const named = c === '[' || (c === '!' && text[i + 1] === '[') ? at(linkAt, text, c === '!' ? i + 1 : i) : null;
    if (named) {
      i = add(link(named[2], named[1]), linkAt.lastIndex);
      continue;
    }
    const bare = c === 'h' && !isWord(text[i - 1]) ? at(urlAt, text, i) : null;
    if (bare) {
      const url = bare[0].replace(/[.,;:!?)\]*_]+$/, '');
      i = add(link(url, url), i + url.length);
      continue;
    }
    plain += c;
    ++i;
  }
  flush();
  return parent;
}

// Shows a text in an element. Called again with a longer text it makes anew only the blocks that changed.
function renderMarkdown(element, text) {
  const blocks = blocksOf(text.replaceAll('\r\n', '\n').replaceAll('\t', '    ').split('\n'));
  const shown = element.shownBlocks ?? [];
  const sources = blocks.map((block) => block.lines.join('\n'));
  let same = 0;
  while (same < sources.length && same < shown.length && sources[same] === shown[same]) ++same;
  while (element.childElementCount > same) element.lastElementChild.remove();
  for (const block of blocks.slice(same)) element.append(blockElement(block));
  element.shownBlocks = sources;
}
