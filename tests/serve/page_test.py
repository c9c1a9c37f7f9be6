"""The chat page in headless Chromium, against a running `artemis serve` with the nano model.

page_test.py --url URL --picture FILE --screenshots DIR: ends non-zero at the first thing that is not as it should be.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PATIENCE = 30  # seconds for whatever is waited for
CONTROLS = {"button", "textbox", "checkbox", "radio", "combobox", "link", "spinbutton", "searchbox"}
SLOW = {"offline": False, "latency": 0, "downloadThroughput": 1500, "uploadThroughput": -1}
OFFLINE = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
ONLINE = {**OFFLINE, "offline": False}
# A message as no model should be trusted not to write it.
HOSTILE = """# Two *objects*

1. a `star`
   - **green**

| a | b |
|---|---|
| 1 | 2 |

```python
x = "<b>"
```

<img src=x onerror="document.title='broken'"> <script>document.title='broken'</script>
[a](javascript:document.title='broken') [b](https://example.org/x) ![c](https://example.org/c.png)
"""


class Page:
    """The page and the things that someone does there."""

    def __init__(self, url, screenshots):
        self.url = url
        self.screenshots = screenshots
        options = webdriver.ChromeOptions()
        for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(option)
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(PATIENCE)
        self.requests = []
        self.size(1200, 800)
        self.scheme("dark")

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def size(self, width, height, phone=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=phone)

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": "reduce"}])

    def open(self):
        self.driver.get(self.url)
        self.wait("the model's name", lambda: self.text("#model-name") == "nano")

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def click(self, selector):
        self.find(selector).click()

    def press(self, where, label):
        """The last such button, as from the keyboard: the pointer need not be over its turn."""
        self.run("const button = [...document.querySelectorAll(arguments[0])].at(-1); button.focus(); button.click()", f"{where} [aria-label='{label}']")

    def keys(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def focused(self):
        return self.run("return document.activeElement.id || document.activeElement.getAttribute('aria-label')")

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                self.shot("failure")
                raise AssertionError(f"{what} did not come; see failure.png")
            time.sleep(0.02)

    def shot(self, name):
        self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))

    def say(self, message):
        self.find("#text").send_keys(message, Keys.ENTER)

    def answered(self, turns):
        """Waits until this many answers are there, and none is under way."""
        self.wait(f"answer {turns}", lambda: len(self.all(".turn.assistant")) == turns and not self.busy())
        return self.run("return [...document.querySelectorAll('.turn.assistant')].at(-1).querySelector('.answer').textContent")

    def busy(self):
        return bool(self.all(".turn.streaming"))

    def set(self, **settings):
        for name, value in settings.items():
            self.run("settings.set(arguments[0], arguments[1])", name, value)

    def attach(self, *files):
        before = len(self.all("#thumbs li"))
        self.find("#files").send_keys("\n".join(str(file) for file in files))
        self.wait("thumbnails", lambda: len(self.all("#thumbs li")) == before + len(files))

    def new(self):
        self.run("byId('new').click()")
        assert not self.all(".turn"), "a new conversation is not empty"

    def check_console(self):
        entries = [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        assert not entries, f"the console has {entries}"

    def check_hosts(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
        foreign = [url for url in self.requests if not url.startswith((self.url + "/", "data:", "blob:"))]
        assert self.requests and not foreign, f"the page asks {foreign or 'nobody'}"

    def check_names(self, where):
        for node in self.cdp("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if role in CONTROLS and not node.get("ignored"):
                assert node.get("name", {}).get("value"), f"{where}: a {role} has no name"

    @contextlib.contextmanager
    def network(self, conditions):
        self.cdp("Network.enable")
        self.cdp("Network.emulateNetworkConditions", **conditions)
        try:
            yield
        finally:
            self.cdp("Network.emulateNetworkConditions", **ONLINE)


def check_empty_page(page):
    page.open()
    assert page.focused() == "text"
    page.check_names("the empty page")
    page.shot("empty-dark")
    page.scheme("light")
    page.shot("empty-light")
    page.scheme("dark")
    page.click("#hero-draw")
    page.wait("the scene drawn", lambda: len(page.all("#thumbs li")) == 1)
    page.click("#thumbs button")
    assert not page.all("#thumbs li")
    page.find("#text").clear()


def check_caption(page, picture):
    """A picture is uploaded, and its caption watched as it comes."""
    page.set(temperature="0", max_tokens="64")
    page.attach(picture)
    page.shot("picture")
    page.run(
        "window.lengths = new Set();"
        "new MutationObserver(() => lengths.add(document.querySelector('.answer')?.textContent.length ?? 0))"
        ".observe(byId('log'), {childList: true, subtree: true, characterData: true})"
    )
    with page.network(SLOW):
        page.say("Describe this image.")
        page.wait("a part of the answer", lambda: page.busy() and page.text(".answer"))
        page.shot("streaming")
        caption = page.answered(1)
    lengths = page.run("return [...lengths]")
    assert len(lengths) > 3, f"the answer did not come in pieces: {lengths}"
    assert "background" in caption or "object" in caption, caption
    facts = page.text(".facts")
    assert "tok/s" in facts and "tokens" in facts and "first after" in facts, facts
    assert "of 2,048 tokens" in page.text("#context"), page.text("#context")
    page.check_names("an answer")
    page.shot("caption-dark")
    page.click("#theme")
    page.shot("caption-light")
    page.click("#theme")
    page.wait("the caption read aloud", lambda: caption[-20:] in page.text("#status"))
    return caption


def check_snippets(page, picture, caption):
    """What is copied gives the same answer."""
    page.click("#share")
    page.check_names("the dialog of the snippets")
    page.shot("snippet")
    page.click("input[value=python]")
    code = page.text("#snippet")
    assert f'picture("{picture.name}", "image/jpeg")' in code, code
    said = subprocess.run([sys.executable, "-c", code], cwd=picture.parent, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == caption, f"Python says {said.stdout!r}, the page {caption!r}"
    page.click("input[value=curl]")
    # The body, as a shell gives it to curl.
    shell = "curl() { cat; }\n" + page.text("#snippet")
    body = subprocess.run(["bash", "-c", shell], cwd=picture.parent, capture_output=True, check=True).stdout
    asked = urllib.request.Request(page.url + "/v1/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        message = json.load(answer)["choices"][0]["message"]["content"]
    assert message == caption, f"curl says {message!r}, the page {caption!r}"
    page.click("#inside")
    assert "$(base64" not in page.text("#snippet")
    words = page.run(
        "const messages = [{role: 'user', text: placeOf('no-picture'), pictures: []}];"
        "return snippet('python', {messages, settings: settings.values, model: 'nano', key: '', inside: false})"
    )
    assert "picture(" not in words, f"a text became a picture: {words}"
    page.keys(Keys.ESCAPE)
    page.wait("the focus back", lambda: page.focused() == "share")


def check_again_and_edit(page, caption):
    page.run("document.querySelector('[aria-label=\"Answer again\"]').click()")
    assert page.answered(1) == caption
    assert page.text(".assistant .versions") == "2/2"
    page.say("How many objects are there?")
    page.answered(2)
    page.run("document.querySelector('[aria-label=\"Edit this message\"]').click()")
    page.check_names("an edited message")
    page.shot("edit")
    page.keys(Keys.CONTROL, "a")
    page.keys("What is at the top?", Keys.ENTER)
    page.answered(1)
    assert page.text(".turn.user .words") == "What is at the top?"
    assert page.all(".turn.user img"), "the edited message lost its picture"
    page.run("document.querySelector('.user [aria-label=\"Earlier version\"]').click()")
    assert len(page.all(".turn.assistant")) == 2, "the earlier version lost what followed"


def check_versions(page):
    """There is a way from each version to each other one, and each is shown as it is now."""
    page.new()
    page.set(temperature="0", max_tokens="16")
    page.say("Describe a red circle.")
    page.answered(1)
    for _ in range(2):
        page.press(".assistant", "Answer again")
        page.answered(1)
    for step, place in (("Earlier", "2/3"), ("Earlier", "1/3"), ("Later", "2/3"), ("Later", "3/3")):
        page.press(".assistant", f"{step} version")
        assert page.text(".assistant .versions") == place, f"{page.text('.assistant .versions')} and not {place}"
    page.press(".user", "Edit this message")
    page.keys(Keys.CONTROL, "a")
    page.keys("Describe a blue star.", Keys.ENTER)
    page.answered(1)
    page.press(".user", "Earlier version")
    assert not page.all(".editor") and page.text(".user .words") == "Describe a red circle.", "the earlier message is not itself"
    page.press(".user", "Later version")
    page.set(max_tokens="200", temperature="1.5", seed="1")
    with page.network(SLOW):
        page.press(".assistant", "Answer again")
        page.wait("the stream", lambda: page.busy() and page.text(".answer"))
        page.press(".user", "Earlier version")
        page.wait("the end", lambda: page.run("return !underWay"))
    page.press(".user", "Later version")
    assert not page.busy() and page.find(".turn.assistant").get_attribute("aria-busy") == "false"
    assert page.text(".assistant .answer") and page.text(".assistant .facts"), "what came out of sight is not shown"
    assert page.find(".user [aria-label='Edit this message']").is_enabled()
    page.set(seed="")


def check_kept(page):
    """The start and the end of an answer take nothing from who reads or writes elsewhere on the page."""
    page.new()
    page.set(temperature="0", max_tokens="16")
    page.say("Describe a red circle.")
    page.answered(1)
    page.press(".assistant", "Answer again")
    assert page.focused() == "text"
    page.answered(1)
    page.press(".user", "Edit this message")
    page.keys(" And a star.", Keys.ENTER)
    assert page.focused() == "text"
    page.answered(1)
    page.press(".user", "Edit this message")
    page.keys(" Not sent yet.")
    page.run("byId('text').focus()")
    with page.network(SLOW):
        page.say("What is at the top?")
        page.wait("the stream", page.busy)
        page.run("document.querySelector('.assistant [aria-label=\"Copy this answer\"]').focus()")
        page.run("getSelection().selectAllChildren(document.querySelector('.words'))")
        page.answered(2)
    assert page.focused() == "Copy this answer", page.focused()
    assert page.run("return String(getSelection())") == "What is at the top?", "the selection is gone"
    written = page.run("return document.querySelector('.editor textarea')?.value")
    assert written == "Describe a red circle. And a star. Not sent yet.", written
    page.find(".editor textarea").send_keys(Keys.ESCAPE)
    assert page.focused() == "Edit this message" and page.text(".words") == "Describe a red circle. And a star."


def check_stop(page):
    page.new()
    page.set(max_tokens="200", temperature="1.5", seed="1")
    with page.network(SLOW):
        page.say("Describe a red circle.")
        page.wait("a part of the answer", lambda: page.busy() and page.text(".answer"))
        page.click("#send")
        page.wait("the end", lambda: not page.busy())
    assert "stopped" in page.text(".facts"), page.text(".facts")
    kept = page.text(".answer")
    assert kept, "what had come is gone"
    page.shot("stopped")
    page.say("And a blue one?")
    page.answered(2)
    assert page.text(".answer") == kept


def check_thought(page):
    page.new()
    page.set(temperature="0", max_tokens="48")
    page.click("#think")
    assert page.find("#think").get_attribute("aria-pressed") == "true"
    page.say("Describe a green star.")
    page.answered(1)
    fold = page.find(".thought")
    assert fold.is_displayed() and not fold.get_attribute("open"), "the thought is not folded"
    page.find(".thought summary").click()
    assert page.find(".thought > div").text, "the thought is empty"
    page.shot("thought")
    page.click("#think")


def check_tools(page):
    page.new()
    tool = {"type": "function", "function": {"name": "paint", "parameters": {"type": "object", "properties": {}}}}
    call = {"id": "1", "type": "function", "function": {"name": "paint", "arguments": '{"colour": "red"}'}}
    page.set(tools=json.dumps([tool]))
    said = [{"role": "user", "content": "Paint."}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    load(page, said)
    assert "Calls paint" in page.text(".call summary")
    page.find(".call summary").click()
    assert '"colour": "red"' in page.text(".call pre")
    page.find(".results textarea").send_keys('{"done": true}')
    page.check_names("the results of calls")
    page.shot("tools")
    page.find(".results button").click()
    assert page.focused() == "text"
    page.answered(2)
    assert page.all(".turn.tool")
    assert not page.all(".results"), "results can be sent a second time"
    page.set(tools="")


def load(page, messages):
    file = page.screenshots / "conversation.json"
    file.write_text(json.dumps({"messages": messages}))
    page.find("#import-file").send_keys(str(file))
    page.wait("the conversation", lambda: len(page.all(".turn")) == len(messages))
    file.unlink()


def check_hostile_text(page):
    page.new()
    load(page, [{"role": "user", "content": HOSTILE}, {"role": "assistant", "content": HOSTILE}])
    assert page.driver.title != "broken"
    assert not page.all(".turn :is(img, script, iframe)"), "text of a model became markup"
    links = [link.get_attribute("href") for link in page.all(".answer a")]
    assert links == ["https://example.org/x", "https://example.org/c.png"], links
    for selector in ("h3 em", "ol > li ul strong", "table td", ".code pre"):
        assert page.all(f".answer {selector}"), f"markdown gave no {selector}"
    page.shot("markdown")


def check_faults(page):
    page.new()
    page.driver.get_log("browser")
    page.run("byId('text').value = 'red '.repeat(3000)")
    page.say("red")
    page.answered(1)
    assert "Refused (400)" in page.text(".fault") and "2048" in page.text(".fault"), page.text(".fault")
    page.new()
    with page.network(OFFLINE):
        page.say("hello")
        page.answered(1)
        assert "cannot be reached" in page.text(".turn .fault"), page.text(".fault")
        page.wait("the lamp", lambda: page.text("#model-name") == "no connection")
        page.shot("offline")
    page.find(".turn .fault button").click()
    assert page.answered(1)
    page.wait("the model", lambda: page.text("#model-name") == "nano")
    page.set(temperature="7")
    page.say("hello")
    assert "Temperature" in page.text("#notice"), "a wrong setting is not named"
    page.set(temperature="0")
    page.find("#text").clear()
    expected = [entry for entry in page.driver.get_log("browser") if entry["source"] != "network"]
    assert not expected, f"the console has {expected}"


def check_pasted_and_dropped(page):
    page.new()
    page.run(
        "const canvas = document.createElement('canvas'); canvas.width = canvas.height = 64;"
        "canvas.getContext('2d').fillRect(8, 8, 20, 20);"
        "canvas.toBlob((blob) => {"
        "  const data = new DataTransfer(); data.items.add(new File([blob], 'drawn.png', {type: 'image/png'}));"
        "  byId('text').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));"
        "  document.body.dispatchEvent(new DragEvent('dragenter', {dataTransfer: data, bubbles: true, cancelable: true}));"
        "  window.dropShown = !byId('drop').hidden;"
        "  document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));"
        "})"
    )
    page.wait("both pictures", lambda: len(page.all("#thumbs li")) == 2)
    assert page.run("return dropShown && byId('drop').hidden")
    page.say("Describe this image.")
    page.answered(1)
    assert len(page.all(".turn.user img")) == 2
    page.run(
        "window.pasteAndSend = (...files) => {"
        "  const data = new DataTransfer(); for (const file of files) data.items.add(file);"
        "  byId('text').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));"
        "  byId('text').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));"
        "};"
    )
    page.new()
    page.find("#text").send_keys("Describe this image.")
    page.run(
        "const canvas = document.createElement('canvas'); canvas.width = canvas.height = 512;"
        "canvas.toBlob((blob) => pasteAndSend(...['a.png', 'b.png'].map((name) => new File([blob], name, {type: 'image/png'}))))"
    )
    page.answered(1)
    assert len(page.all(".turn.user img")) == 2 and not page.all("#thumbs li"), "a message went without its pictures"
    page.new()
    page.find("#text").send_keys("Describe this image.")
    page.run("pasteAndSend(new File(['no picture'], 'broken.png', {type: 'image/png'}))")
    page.wait("the notice", lambda: "broken.png" in page.text("#notice"))
    assert not page.all(".turn"), "a message went without its picture"
    page.find("#text").clear()


def check_keyboard(page):
    """A whole visit without a pointer."""
    page.open()
    page.set(temperature="0", max_tokens="32")
    first = page.run("const first = document.querySelector('a, button, input, textarea'); first.focus(); return first.textContent")
    assert first == "Skip to the message field", first
    page.wait("the link in sight", lambda: page.run("return document.activeElement.getBoundingClientRect().top >= 0"))
    page.keys(Keys.ENTER)
    page.wait("the message field", lambda: page.focused() == "text")
    page.keys("one", Keys.SHIFT, Keys.ENTER, Keys.NULL, "two")
    assert page.run("return byId('text').value") == "one\ntwo"
    page.keys(Keys.ENTER)
    page.answered(1)
    assert page.focused() == "text"
    page.keys(Keys.ARROW_UP)
    page.wait("the editor", lambda: page.focused() == "The message")
    page.keys(Keys.ESCAPE)
    page.wait("the button again", lambda: page.focused() == "Edit this message")
    page.run("byId('text').focus()")
    page.keys(Keys.TAB)
    page.keys(Keys.TAB)
    assert page.focused() == "think", page.focused()
    page.keys(Keys.SPACE)
    assert page.find("#think").get_attribute("aria-pressed") == "true"
    page.keys(Keys.SPACE)
    page.run("byId('settings').focus()")
    page.keys(Keys.ENTER)
    page.wait("the settings", lambda: page.find("#settings-dialog").is_displayed())
    page.check_names("the settings")
    page.shot("settings")
    page.keys(Keys.ESCAPE)
    page.wait("the focus back", lambda: page.focused() == "settings")
    page.run("byId('text').focus()")
    with page.network(SLOW):
        page.set(max_tokens="200", temperature="1.5", seed="1")
        page.keys("Describe a red circle.", Keys.ENTER)
        page.wait("the stream", page.busy)
        page.keys(Keys.ESCAPE)
        page.wait("the end", lambda: not page.busy())
    assert page.focused() == "text"


def check_phone(page, picture):
    page.size(390, 844, phone=True)
    page.open()
    page.set(temperature="0", max_tokens="64", seed="")
    page.shot("phone-empty")
    page.attach(picture)
    page.find("#text").send_keys("Describe this image.")
    page.click("#send")
    page.answered(1)
    page.shot("phone")
    assert page.run("return document.documentElement.scrollWidth <= 390 && document.body.scrollHeight <= 844"), "it overflows"
    small = page.run(
        "return [...document.querySelectorAll('button')].filter((b) => b.offsetParent && !b.closest('dialog'))"
        ".map((b) => [b.ariaLabel || b.textContent, b.offsetWidth, b.offsetHeight]).filter(([, w, h]) => Math.min(w, h) < 40)"
    )
    assert not small, f"too small to touch: {small}"
    page.click("#settings")
    page.shot("phone-settings")
    assert page.run("return byId('settings-dialog').getBoundingClientRect().width <= 390")
    page.keys(Keys.ESCAPE)
    page.size(1200, 800)


def check_contrast(page):
    """WCAG's ratio of 4.5 for text, in both themes."""
    ratios = page.run("""
      const linear = (v) => (v /= 255, v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      const light = (name) => {
        const probe = document.body.appendChild(el('p'));
        probe.style.color = `var(--${name})`;
        const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number);
        probe.remove();
        return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
      };
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const pairs = [['ink', 'paper'], ['ink', 'card'], ['ink', 'mine'], ['muted', 'paper'], ['muted', 'card'],
                     ['muted', 'raised'], ['accent', 'paper'], ['on-accent', 'accent'], ['bad', 'bad-back'], ['ink', 'bad-back']];
      return ['dark', 'light'].flatMap((theme) => {
        document.documentElement.dataset.theme = theme;
        return pairs.map(([a, b]) => [theme, a, b, ratio(a, b)]);
      });""")
    weak = [row for row in ratios if row[3] < 4.5]
    assert len(ratios) == 20 and not weak, f"too little contrast: {weak}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--picture", required=True, type=pathlib.Path)
    parser.add_argument("--screenshots", required=True, type=pathlib.Path)
    options = parser.parse_args()
    options.screenshots.mkdir(parents=True, exist_ok=True)
    picture = options.picture.resolve()
    begin = time.monotonic()
    page = Page(options.url.rstrip("/"), options.screenshots.resolve())
    try:
        check_empty_page(page)
        caption = check_caption(page, picture)
        check_snippets(page, picture, caption)
        check_again_and_edit(page, caption)
        check_versions(page)
        check_kept(page)
        check_stop(page)
        check_thought(page)
        check_tools(page)
        check_hostile_text(page)
        check_pasted_and_dropped(page)
        page.check_console()
        check_faults(page)
        check_keyboard(page)
        check_phone(page, picture)
        check_contrast(page)
        page.check_console()
        page.check_hosts()
    finally:
        page.driver.quit()
    print(f"page: {caption!r}, {len(page.requests)} requests, all to this server, {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main()
