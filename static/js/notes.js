// Notes of a running call: kept in the browser with every letter, saved by the server as soon as it can be
// reached, and never over something newer. A closed tab or a lost network loses nothing.
(function () {
  "use strict";
  const STORE = "huiping.notes.";
  const KEPT = 7 * 24 * 3600 * 1000;
  const QUIET = 600, FIRST_PAUSE = 1000, LONGEST_PAUSE = 8000;
  const page = [...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join("");
  let field = null, known = "", busy = false, again = false, stopped = false, timer = 0, pause = FIRST_PAUSE, number = 0;

  const hidden = (name) => field.form.elements[name];
  const key = () => STORE + field.dataset.draft;
  const drafts = () => Object.keys(localStorage).filter((name) => name.startsWith(STORE));

  function say(word) {
    const state = document.getElementById("notes-state");
    if (!state || state.dataset.word === word) return;
    state.dataset.word = word;
    state.textContent = state.dataset[word];
  }

  // A browser that keeps nothing (private mode, a full disk) still saves to the server.
  function remember() {
    const draft = { text: field.value, base: hidden("notes_saved").value, at: Date.now() };
    try { localStorage.setItem(key(), JSON.stringify(draft)); } catch { /* nothing to keep it in */ }
  }
  function recall(name) {
    try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
  }
  const forget = () => localStorage.removeItem(key());

  function changed() {
    field.form.dataset.dirty = "";
    hidden("notes_draft").value = `${page}:${++number}`;
    remember();
  }
  function later(wait) {
    clearTimeout(timer);
    timer = setTimeout(save, wait);
  }

  async function save() {
    if (!field?.isConnected || stopped) return;
    if (busy) { again = true; return; }
    busy = true;
    again = false;
    const sent = field, text = field.value;
    let answer = null;
    try {
      const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || "";
      const body = new FormData();
      for (const name of ["notes_saved", "notes_draft"]) body.set(name, hidden(name).value);
      body.set("notes", text);
      answer = await fetch(field.dataset.save, {
        method: "POST", body, redirect: "error", headers: { "X-CSRFToken": token, "HX-Request": "true" },
      });
    } catch { /* no network, or somebody has to sign in again: try later */ }
    busy = false;
    if (field !== sent || !field.isConnected) return;
    if (answer?.status === 204) done(answer, text);
    else if (answer?.status === 409 && answer.headers.get("Content-Type")?.includes("json")) ask(await answer.json());
    else if (answer && [404, 409, 422].includes(answer.status)) { stopped = true; say("refused"); }
    else { say("offline"); later(pause); pause = Math.min(pause * 2, LONGEST_PAUSE); }
  }

  function done(answer, text) {
    pause = FIRST_PAUSE;
    hidden("notes_saved").value = answer.headers.get("X-Notes-Saved");
    if (field.value === text) {
      forget();
      delete field.form.dataset.dirty;
      say("saved");
    } else {
      remember();
      later(again ? 0 : QUIET);
    }
  }

  // Another window saved something else: both are shown, whoever types decides.
  function ask(other) {
    stopped = true;
    const box = document.getElementById("notes-other");
    box.querySelector("[data-other-text]").textContent = other.notes;
    box.dataset.saved = other.saved;
    box.hidden = false;
    say("unsaved");
  }
  document.addEventListener("click", function (event) {
    const choice = event.target.closest("[data-notes-take]")?.dataset.notesTake;
    if (choice) {
      const box = document.getElementById("notes-other");
      hidden("notes_saved").value = box.dataset.saved;
      if (choice === "other") field.value = box.querySelector("[data-other-text]").textContent;
      box.hidden = true;
      stopped = false;
      changed();
      save();
      field.focus();
    }
    if (event.target.closest("[data-notes-forget]")) {
      const box = document.getElementById("notes-left");
      localStorage.removeItem(box.dataset.draft);
      box.hidden = true;
    }
  });

  document.addEventListener("input", function (event) {
    if (event.target !== field) return;
    changed();
    if (stopped) return;
    say("unsaved");
    later(QUIET);
  });
  window.addEventListener("online", () => field?.form && field.form.dataset.dirty !== undefined && save());
  window.addEventListener("pagehide", function () {
    if (!field?.isConnected || field.form.dataset.dirty === undefined || stopped) return;
    hidden("notes_draft").value = `${page}:${++number}`;
    navigator.sendBeacon(field.dataset.save, new FormData(field.form));
  });

  // --- coming back -----------------------------------------------------------------------------------
  function open() {
    const found = document.querySelector("textarea[data-save]");
    if (found === field && found?.dataset.draft === known) return;
    field = found;
    known = found?.dataset.draft;
    stopped = false;
    if (!field) return;
    const draft = recall(key());
    if (draft?.text === field.value) forget();
    if (!draft || draft.text === field.value) return;
    const theirs = { saved: hidden("notes_saved").value, notes: field.value };
    const grown = draft.base === theirs.saved;
    field.value = draft.text;
    hidden("notes_saved").value = draft.base;
    changed();
    if (!grown) return ask(theirs);
    say("restored");
    later(0);
  }

  // The call was ended while this browser still held words the server never got.
  function leftOver() {
    const box = document.getElementById("notes-left");
    for (const ended of document.querySelectorAll("[data-ended-notes]")) {
      const name = STORE + ended.dataset.endedNotes;
      const draft = recall(name);
      if (!draft) continue;
      if (draft.text.trim() === ended.textContent.trim()) { localStorage.removeItem(name); continue; }
      box.dataset.draft = name;
      box.querySelector("textarea").value = draft.text;
      box.hidden = false;
    }
  }

  function look() {
    open();
    leftOver();
  }
  for (const name of drafts()) if (!(Date.now() - recall(name)?.at < KEPT)) localStorage.removeItem(name);
  document.addEventListener("htmx:afterSettle", look);
  look();
})();
