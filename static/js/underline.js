// Unlawful words are underlined while they are typed. The server decides again when the form is sent.
(function () {
  "use strict";
  const words = document.getElementById("check-words")?.dataset;
  if (!words) return;
  const SVG = "http://www.w3.org/2000/svg";
  const states = new WeakMap();

  // --- finding the fields, also those that htmx brings in later -----------------------------------
  function enhance() {
    for (const place of document.querySelectorAll("[data-check]")) {
      for (const field of place.querySelectorAll("textarea, input[type=text]")) {
        if (!field.readOnly && !field.disabled) prepare(field, place);
      }
    }
  }

  function prepare(field, place) {
    const state = known(field, place);
    if (field.tagName === "TEXTAREA" && !state.backdrop?.isConnected) {
      state.backdrop = document.createElement("div");
      state.backdrop.className = "form-control underlines";
      state.backdrop.setAttribute("aria-hidden", "true");
      field.before(state.backdrop);
      field.classList.add("is-underlined");
      new ResizeObserver(() => fit(field, state)).observe(field);
      paint(field, state);
    }
    if (!state.heeded) {
      state.heeded = true;
      field.addEventListener("input", (event) => event.isComposing || later(field, state));
      field.addEventListener("compositionend", () => later(field, state));
      field.addEventListener("scroll", () => follow(field, state));
      field.addEventListener("focus", () => field.value === state.told || later(field, state));
    }
    // What stood there before is judged once it is seen: a page of folded boxes asks nothing.
    if (!state.asked && field.value.trim() && field.checkVisibility?.() !== false) later(field, state);
  }

  function known(source, place) {
    const state = states.get(source) || { timer: 0, asked: null, offences: [], told: said(source) };
    state.place = place;
    states.set(source, state);
    if (!state.list?.isConnected) {
      state.list = element("ul", "verdicts");
      state.list.setAttribute("aria-live", "polite");
      state.list.setAttribute("aria-label", words.label);
      state.list.tabIndex = -1;
      state.list.id = `${source.id || source.name}-verdicts`;
      (source.closest(".field") || source.parentElement).append(state.list);
      show(source, state);
    }
    return state;
  }

  function said(source) {
    return "value" in source ? source.value : source.textContent.trim();
  }

  // The backdrop lies exactly under the text: same box, same font, same lines.
  function fit(field, state) {
    const box = state.backdrop.style, own = getComputedStyle(field);
    for (const name of ["font", "letterSpacing", "padding", "borderWidth", "textIndent"]) box[name] = own[name];
    box.top = `${field.offsetTop}px`;
    box.left = `${field.offsetLeft}px`;
    box.width = `${field.offsetWidth}px`;
    box.height = `${field.offsetHeight}px`;
    follow(field, state);
  }
  function follow(field, state) {
    if (state.backdrop) state.backdrop.scrollTop = field.scrollTop;
  }

  // --- asking -----------------------------------------------------------------------------------------
  function later(field, state) {
    shift(field, state);
    clearTimeout(state.timer);
    state.timer = setTimeout(() => ask(field, state), 300);
  }

  async function ask(field, state) {
    state.asked?.abort();
    if (!field.isConnected) return;
    const text = field.value;
    if (!text.trim()) return take(field, state, text, []);
    state.asked = new AbortController();
    try {
      const judged = await judge(field, state.place, text, state.place.dataset.check, state.asked.signal);
      take(field, state, text, judged.offences);
    } catch {
      // No network, or typed on: the form says it when it is sent.
    }
  }

  async function judge(source, place, text, kind, signal) {
    const body = new URLSearchParams({ text, kind });
    for (const [name, key] of [["case", "checkCase"], ["review", "checkReview"], ["shop", "checkShop"]]) {
      if (place.dataset[key]) body.set(name, place.dataset[key]);
    }
    const chosen = place.dataset.checkShopField && source.form?.elements[place.dataset.checkShopField];
    if (chosen?.value) body.set("shop", chosen.value);
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || source.form?.elements.csrfmiddlewaretoken?.value;
    const answer = await fetch(words.url, { method: "POST", body, signal, headers: { "X-CSRFToken": token || "" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  // --- copying: what is copied leaves for the platform, and without an answer nothing does ---------------
  document.addEventListener("copying", function (event) {
    event.detail.allowed = mayLeave(event.target, event.detail.text, event.detail.kind);
  });

  async function mayLeave(source, text, kind) {
    const place = source.closest("[data-check]");
    const state = known(source, place), usual = place.dataset.check;
    let judged;
    try {
      judged = await judge(source, place, text, kind || usual, AbortSignal.timeout(10000));
    } catch {
      tell(words.unheard);
      return false;
    }
    const passes = ["pass", "warn", "released"].includes(judged.verdict);
    if (!passes || !kind || kind === usual) take(source, state, text, judged.offences);
    if (passes) return true;
    tell(words.uncopied);
    state.list.focus();
    return false;
  }

  function tell(text) {
    document.dispatchEvent(new CustomEvent("toast", { detail: { text, level: "error" } }));
  }

  function take(field, state, text, offences) {
    if (said(field) !== text) return;
    const signs = Array.from(text); // places count characters, not UTF-16 halves
    const at = [0];
    for (const sign of signs) at.push(at[at.length - 1] + sign.length);
    state.offences = offences.map((one) => ({ ...one, start: at[one.start], end: at[one.end] }));
    state.told = text;
    show(field, state);
    paint(field, state);
  }

  // While the answer is on its way, underlines before the place of typing stay; the rest waits.
  function shift(field, state) {
    const before = state.told, now = field.value;
    let same = 0;
    while (same < before.length && same < now.length && before[same] === now[same]) same++;
    state.offences = state.offences.filter((one) => one.end <= same);
    state.told = now;
    paint(field, state);
  }

  // --- showing ------------------------------------------------------------------------------------------
  function paint(field, state) {
    if (!state.backdrop) return;
    const text = field.value, parts = [];
    let done = 0;
    for (const one of [...state.offences].sort((a, b) => a.start - b.start)) {
      if (one.start < done || one.end <= one.start) continue;
      const mark = document.createElement("mark");
      mark.className = one.rule === "R5" ? "is-warning" : "is-blocked";
      mark.textContent = text.slice(one.start, one.end);
      parts.push(text.slice(done, one.start), mark);
      done = one.end;
    }
    state.backdrop.replaceChildren(...parts, `${text.slice(done)}\n`);
    fit(field, state);
  }

  function show(field, state) {
    const rows = new Map();
    for (const one of state.offences) {
      const key = `${one.rule}|${one.why}`;
      if (rows.has(key)) rows.get(key).words.push(one.words);
      else rows.set(key, { ...one, words: [one.words] });
    }
    state.list.replaceChildren(...[...rows.values()].map((one) => row(field, state, one)));
    if ("value" in field) mark(field, state, rows.size > 0);
  }

  // The form's own errors mark a field too: only a mark that was set here is taken away.
  function mark(field, state, offends) {
    if (offends) describe(field, state.list.id);
    if (offends && !field.hasAttribute("aria-invalid")) {
      field.setAttribute("aria-invalid", "true");
      field.dataset.offends = "";
    } else if (!offends && "offends" in field.dataset) {
      field.removeAttribute("aria-invalid");
      delete field.dataset.offends;
    }
  }

  function describe(field, id) {
    const known = (field.getAttribute("aria-describedby") || "").split(" ").filter(Boolean);
    if (!known.includes(id)) field.setAttribute("aria-describedby", [...known, id].join(" "));
  }

  function row(field, state, one) {
    const item = element("li", one.rule === "R5" ? "verdict is-warning" : "verdict is-blocked");
    const body = element("div", "verdict-words");
    const quoted = [...new Set(one.words.filter(Boolean))].map((each) => `“${each}”`).join("");
    body.append(element("strong", "", `${one.rule === "R5" ? words.warning : words.blocked} ${quoted}`), ` ${one.rule} · ${one.why} `, element("span", "quiet", one.suggestion));
    if ("value" in field && one.wording !== null && one.wording !== undefined) {
      const button = element("button", "btn btn-sm", one.wording ? `${words.use} ${one.wording}` : words.drop);
      button.type = "button";
      button.addEventListener("click", () => replace(field, state, one));
      body.append(button);
    }
    item.append(icon(one.rule === "R5" ? "alert-triangle" : "alert-circle"), body);
    return item;
  }

  // The whole sentence gives way: half of an unlawful one is seldom lawful.
  function replace(field, state, one) {
    const text = field.value;
    let { start, end } = one;
    if (one.wording) {
      const before = text.slice(0, start), after = text.slice(end).match(/^[^。！？!?\n]*[。！？!?]?/)[0];
      start = Math.max(...["。", "！", "？", "!", "?", "\n"].map((sign) => before.lastIndexOf(sign))) + 1;
      end += after.length;
    }
    field.setRangeText(one.wording, start, end, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function element(name, css, text) {
    const made = document.createElement(name);
    if (css) made.className = css;
    if (text) made.textContent = text;
    return made;
  }

  function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${document.getElementById("words").dataset.icons}#${name}`);
    svg.append(use);
    return svg;
  }

  enhance();
  document.addEventListener("htmx:afterSettle", enhance);
  document.addEventListener("toggle", () => setTimeout(enhance), true); // a box that was folded has its size now
})();
