// Ctrl K: the commands of the page, the pages, and cases by number, order or buyer, in one list.
(function () {
  "use strict";
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const said = dialog.querySelector("[data-palette-said]");
  const words = dialog.dataset;
  const icons = document.getElementById("words").dataset.icons;
  const SVG = "http://www.w3.org/2000/svg";
  let here = []; // commands and pages, gathered when it opens
  let cases = [];
  let rows = [];
  let at = 0;
  let asked = null;

  // --- what there is to choose ---------------------------------------------------------------------
  const usable = (element) => element.checkVisibility() && !element.disabled && !element.closest("[inert], dialog");
  function labelOf(element) {
    const shown = [...element.childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join(" ");
    return (element.dataset.keyLabel || element.getAttribute("aria-label") || shown).trim().replace(/\s+/g, " ");
  }
  function act(element) {
    return function () {
      if (element.matches("input:not([type=checkbox],[type=radio]), textarea, select")) element.focus();
      else { element.focus({ preventScroll: true }); element.click(); }
    };
  }
  function gather() {
    const commands = [...document.querySelectorAll("main [data-key]")].filter(usable).map((element) => ({
      group: words.commands, title: labelOf(element), key: element.dataset.key, icon: "command", run: act(element),
    }));
    const seen = new Set();
    const pages = [...document.querySelectorAll(".rail-nav a[href], .user-menu a[href]")].flatMap(function (link) {
      const title = (link.querySelector(".nav-entry-label") || link).textContent.trim();
      if (seen.has(link.href)) return [];
      seen.add(link.href);
      const icon = link.querySelector("use")?.getAttribute("href").split("#")[1];
      return [{ group: words.pages, title, key: link.dataset.key || "", icon, url: link.href }];
    });
    here = [...commands, ...pages];
  }
  const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, "");

  // --- drawing -------------------------------------------------------------------------------------
  function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${icons}#${name || "arrow-right"}`);
    svg.append(use);
    return svg;
  }
  function part(tag, text, css) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (css) made.className = css;
    return made;
  }
  function option(row, number) {
    const made = document.createElement("div");
    made.setAttribute("role", "option");
    made.id = `palette-${number}`;
    made.className = "palette-row";
    const title = part("span", row.title, "palette-title");
    made.append(icon(row.icon), title);
    if (row.note) made.append(part("span", row.note, "quiet palette-note"));
    if (row.key) {
      const caps = document.createElement("span");
      caps.className = "palette-keys";
      caps.append(...row.key.split(" ").map((key) => part("kbd", key.length === 1 ? key.toUpperCase() : key.replace("Shift+", "⇧"))));
      made.append(caps);
    }
    return made;
  }
  function draw() {
    const wanted = plain(input.value);
    rows = [...cases, ...here.filter((row) => plain(row.title).includes(wanted))];
    const groups = new Map();
    rows.forEach((row, number) => {
      if (!groups.has(row.group)) {
        const group = document.createElement("div");
        const head = part("p", row.group, "palette-group");
        head.id = `palette-group-${groups.size}`;
        group.setAttribute("role", "group");
        group.setAttribute("aria-labelledby", head.id);
        group.append(head);
        groups.set(row.group, group);
      }
      groups.get(row.group).append(option(row, number));
    });
    list.replaceChildren(...groups.values());
    if (!rows.length) list.append(part("p", words.none, "quiet palette-none"));
    said.textContent = rows.length ? words.count.replace("{n}", rows.length) : words.none;
    point(0);
  }
  function point(number) {
    at = rows.length ? (number + rows.length) % rows.length : 0;
    for (const row of list.querySelectorAll("[role=option]")) {
      row.setAttribute("aria-selected", String(row.id === `palette-${at}`));
    }
    const current = document.getElementById(`palette-${at}`);
    if (current) input.setAttribute("aria-activedescendant", current.id);
    else input.removeAttribute("aria-activedescendant");
    current?.scrollIntoView({ block: "nearest" });
  }

  // --- cases are asked of the server, the last question counts ---------------------------------------
  let waiting = 0;
  function ask() {
    clearTimeout(waiting);
    asked?.abort();
    const q = input.value.trim();
    if (!q) { cases = []; return; }
    waiting = setTimeout(async function () {
      asked = new AbortController();
      try {
        const answer = await fetch(`${words.url}?q=${encodeURIComponent(q)}`, { signal: asked.signal, headers: { Accept: "application/json" } });
        if (!answer.ok) return;
        cases = (await answer.json()).cases.map((one) => ({ ...one, group: words.cases, icon: "list-details" }));
        draw();
      } catch (error) {
        if (error.name !== "AbortError") { cases = []; draw(); }
      }
    }, 120);
  }

  // --- opening, choosing --------------------------------------------------------------------------------
  function open() {
    if (document.querySelector("dialog[open]")) return;
    input.value = "";
    cases = [];
    gather();
    dialog.showModal();
    draw();
    input.focus();
  }
  function choose(number) {
    const row = rows[number];
    if (!row) return;
    dialog.close();
    if (row.url) window.location.assign(row.url);
    else row.run();
  }
  const composes = (event) => event.isComposing || event.keyCode === 229 || event.key === "Process";
  const types = (target) => target instanceof Element && (target.matches("input:not([type=checkbox],[type=radio],[type=button],[type=submit]), textarea, select") || target.isContentEditable);

  window.addEventListener("keydown", function (event) {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey !== event.metaKey) || event.altKey || event.shiftKey) return;
    if (composes(event) || event.repeat || types(event.composedPath()[0])) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("click", function (event) {
    const opener = event.target.closest("[data-open-palette]");
    if (!opener) return;
    const menu = opener.closest("details");
    if (menu) menu.open = false;
    open();
  });
  input.addEventListener("input", function () { draw(); ask(); });
  input.addEventListener("keydown", function (event) {
    if (composes(event)) return;
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: Math.min(at + 6, rows.length - 1), PageUp: Math.max(at - 6, 0) };
    if (event.key in moves) { event.preventDefault(); point(moves[event.key]); }
    if (event.key === "Enter") { event.preventDefault(); choose(at); }
  });
  list.addEventListener("click", function (event) {
    const row = event.target.closest("[role=option]");
    if (row) choose(Number(row.id.replace("palette-", "")));
  });
  list.addEventListener("pointermove", function (event) {
    const row = event.target.closest("[role=option]");
    if (row && row.id !== `palette-${at}`) point(Number(row.id.replace("palette-", "")));
  });
})();
