
// What is asked for with each message. Kept in this browser, but the API key only until the tab is closed; where
// storage is switched off, until the page is.

const defaults = {system: '', temperature: '', top_p: '', max_tokens: '', seed: '', thinking: false, json: false, tools: '', theme: ''};

function stored(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

function store(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // Storage is switched off or full: the page goes on with what it holds.
  }
}

class Settings {
  constructor(changed) {
    this.changed = changed;
    this.values = {...defaults};
    try {
      const kept = JSON.parse(stored('localStorage', 'artemis-settings') ?? '{}');
      for (const name of Object.keys(defaults)) {
        if (typeof kept[name] === typeof defaults[name]) this.values[name] = kept[name];
      }
    } catch {
      // Another program's value: the defaults stand.
    }
    this.key = stored('sessionStorage', 'artemis-key') ?? '';
    for (const name of Object.keys(defaults)) {
      const field = byId(`set-${name}`);
      field.addEventListener('input', () => this.set(name, field.type === 'checkbox' ? field.checked : field.value));
    }
    const keyField = byId('set-key');
    keyField.value = this.key;
    keyField.addEventListener('change', () => {
      this.key = keyField.value.trim();
      store('sessionStorage', 'artemis-key', this.key);
      this.changed('key');
    });
    byId('settings').addEventListener('click', () => byId('settings-dialog').showModal());
    byId('set-reset').addEventListener('click', () => Object.entries(defaults).forEach(([name, value]) => this.set(name, value)));
    this.#show();
  }
  set(name, value) {
    this.values[name] = value;
    store('localStorage', 'artemis-settings', JSON.stringify(this.values));
    this.#show(name);
    this.changed(name);
  }
  // What is wrong with a field, or ''.
  fault() {
    const number = ['temperature', 'top_p', 'max_tokens', 'seed'].map((name) => byId(`set-${name}`)).find((field) => !field.validity.valid);
    if (number) return `${number.labels[0].firstChild.textContent}: ${number.validationMessage}`;
    if (!this.values.tools.trim()) return '';
    try {
      return Array.isArray(JSON.parse(this.values.tools)) ? '' : 'Tools: a JSON list is expected.';
    } catch (error) {
      return `Tools: ${error.message}`;
    }
  }
  openAt(id) {
    byId('settings-dialog').showModal();
    byId(id).focus();
  }
  #show() {
    for (const [name, value] of Object.entries(this.values)) {
      const field = byId(`set-${name}`);
      if (field.type === 'checkbox') field.checked = value;
      else if (field.value !== value && document.activeElement !== field) field.value = value;
    }
    const fault = this.fault();
    byId('set-tools').setAttribute('aria-invalid', fault.startsWith('Tools'));
    byId('tools-note').textContent = fault.startsWith('Tools') ? fault : "A JSON list in OpenAI's form. You give the results of the calls.";
    byId('think').setAttribute('aria-pressed', this.values.thinking);
    const flags = [this.values.json && 'JSON', this.values.tools.trim() && 'Tools', this.values.system.trim() && 'System'].filter(Boolean);
    byId('flags').replaceChildren(...flags.map((flag) => el('span', {}, flag)));
    this.#showTheme();
  }
  #showTheme() {
    const {theme} = this.values;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    const dark = theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    byId('theme').setAttribute('aria-pressed', dark);
    byId('theme').replaceChildren(icon(dark ? 'sun' : 'moon'));
    this.dark = dark;
  }
}
