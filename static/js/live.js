// Lists that keep themselves up to date: asks every few seconds, changes rows in place, never moves them.
// What is new or in another order waits behind a bar until it is asked for.
(function () {
  "use strict";
  const PACE = 5000, SLOWEST = 60000;
  let wait = PACE, timer = 0, waiting = null, asking = false;

  const part = () => document.querySelector("[data-live]");
  const list = (root) => root.querySelector("[data-live-rows]");
  const key = (item) => item.querySelector(".row-link")?.id;
  const busy = () => document.querySelector(".htmx-request, dialog:modal");

  async function ask() {
    const old = part();
    if (!old || asking || document.hidden || busy()) return plan();
    asking = true;
    try {
      const answer = await fetch(...request(old));
      wait = answer.ok ? PACE : Math.min(wait * 2, SLOWEST);
      // Signed out, moved or gone: nothing to show here, the next click tells.
      if (answer.status === 200 && !answer.redirected && part() === old && !busy()) show(await answer.text());
    } catch {
      wait = Math.min(wait * 2, SLOWEST);
    } finally {
      asking = false;
      plan();
    }
  }

  function request(old) {
    const headers = { "HX-Request": "true" };
    const version = new URLSearchParams({ version: old.dataset.version });
    if (old.dataset.liveLook === undefined) {
      const url = new URL(old.dataset.live, location.href);
      url.searchParams.set("version", old.dataset.version);
      return [url, { headers, credentials: "same-origin" }];
    }
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || "";
    return [old.dataset.live, { method: "POST", headers: { ...headers, "X-CSRFToken": token }, body: version }];
  }

  function plan() {
    clearTimeout(timer);
    timer = setTimeout(ask, wait);
  }

  function show(html) {
    const old = part();
    const fresh = read(html);
    if (!fresh) return;
    const held = keepStill(old, fresh);
    waiting = held ? html : null;
    put(old, fresh);
  }

  const read = (html) => new DOMParser().parseFromString(html, "text/html").querySelector("[data-live]");

  function put(old, fresh) {
    for (const tick of old.querySelectorAll("input[type=checkbox]:checked")) {
      const same = tick.id && fresh.querySelector(`#${tick.id}`);
      if (same) same.checked = true;
    }
    window.Idiomorph.morph(old, fresh, { morphStyle: "outerHTML" });
    const now = part();
    window.htmx.process(now);
    document.dispatchEvent(new CustomEvent("htmx:afterSettle", { detail: {} }));
  }

  // What is being filled in, like the filters, is the reader's.
  const callbacks = window.Idiomorph.defaults.callbacks;
  const before = callbacks.beforeNodeMorphed;
  callbacks.beforeNodeMorphed = function (old, fresh) {
    if (old.matches?.("[data-live-keep]")) return false;
    return before ? before(old, fresh) : true;
  };

  // Puts the fresh rows into the order the reader sees; true when something is held back.
  function keepStill(old, fresh) {
    const seen = list(old), come = list(fresh);
    if (!seen || !come) return false;
    const shown = [...seen.children], news = new Map([...come.children].map((item) => [key(item), item]));
    const known = new Set(shown.map(key));
    const added = [...news.keys()].filter((one) => !known.has(one)).length;
    const order = [...news.keys()].filter((one) => known.has(one));
    const same = shown.map(key).filter((one) => news.has(one)).join() === order.join();
    const button = fresh.querySelector("[data-live-show]");
    const gone = shown.filter((item) => !news.has(key(item))).length;
    if (!added && same && !gone) return false;
    come.replaceChildren(...shown.map((item) => news.get(key(item)) || farewell(item, button.dataset.gone)));
    button.hidden = false;
    const many = added === 1 ? button.dataset.one : button.dataset.many.replace("{n}", added);
    button.querySelector("span").textContent = added ? many : button.dataset.changed;
    return true;
  }

  function farewell(item, words) {
    const copy = item.cloneNode(true);
    const row = copy.querySelector(".row-link");
    if (!row.classList.contains("row-gone")) {
      row.classList.add("row-gone");
      // In the place of the reason: the row must not grow and push the others.
      const note = row.querySelector(".row-reason") || row.querySelector(".row-note");
      note.textContent = words;
    }
    return copy;
  }

  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-live-show]") || !waiting) return;
    const fresh = read(waiting);
    waiting = null;
    put(part(), fresh);
    list(part())?.querySelector(".row-link")?.focus({ preventScroll: true });
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  ask();
})();
