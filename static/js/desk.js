// The desk: what is typed is never lost, rows by J and K, the clock of a running call.
(function () {
  "use strict";
  const typed = "textarea, input:not([type=hidden]), select";
  const isDirty = (form) => form?.dataset?.dirty !== undefined;

  // --- typing is sacred: a form with unsaved words is left alone when the page around it changes ---
  document.addEventListener("input", function (event) {
    const form = event.target.closest("#case form");
    if (!form || !event.target.matches(typed)) return;
    form.dataset.dirty = "";
  });
  document.addEventListener("htmx:beforeRequest", function (event) {
    const form = event.target.closest("form");
    form?.closest("dialog")?.close();
    if (form && event.target === form) delete form.dataset.dirty;
  });
  // Refused, or never arrived: what was typed still has to be sent.
  document.addEventListener("htmx:afterRequest", function (event) {
    const form = event.target;
    if (event.detail.successful || !form.matches?.("#case form")) return;
    if (form.querySelector("textarea, input[type=text], input[type=number]")) form.dataset.dirty = "";
  });
  // 409: somebody else was quicker; the answer shows how it stands, with what was typed.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.xhr.status !== 409) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });

  // What was refused is said where the eye is: the words may stand above what is on the screen.
  document.addEventListener("htmx:afterSettle", function (event) {
    const words = event.detail.xhr?.status >= 400 && document.querySelector("#case .form-errors");
    if (!words) return;
    const { top, bottom } = words.getBoundingClientRect();
    if (top < 60 || bottom > innerHeight - 70) words.scrollIntoView({ block: "center" });
  });

  const callbacks = window.Idiomorph.defaults.callbacks;
  callbacks.beforeNodeMorphed = function (old, fresh) {
    if (old.tagName === "FORM" && isDirty(old)) return old.getAttribute("action") !== fresh.getAttribute("action");
    // A number once revealed stays while the case is held.
    if (old.id === "phone" && old.dataset.revealed !== undefined) return old.dataset.holds !== fresh.dataset.holds;
    return true;
  };
  callbacks.beforeAttributeUpdated = (name, node) => name !== "open" || !node.matches("details:not(.stage details), dialog");

  // --- rows: J and K move, Enter opens (they are links) ------------------------------------------------
  document.addEventListener("click", function (event) {
    const step = Number(event.target.closest("[data-step]")?.dataset.step);
    if (!step) return;
    const rows = [...document.querySelectorAll(".row-link")].filter((row) => row.checkVisibility());
    const at = rows.indexOf(lastRow);
    const current = at >= 0 ? at : rows.findIndex((row) => row.ariaCurrent);
    lastRow = rows[Math.min(Math.max(current + step, 0), rows.length - 1)];
    lastRow?.focus();
  });
  let lastRow = null;
  document.querySelector(".desk-list [aria-current]")?.scrollIntoView({ block: "nearest" });
  document.addEventListener("focusin", function (event) {
    if (event.target.matches(".row-link")) lastRow = event.target;
  });

  // --- an opened call-back box puts the finger on its first hour --------------------------------------
  document.addEventListener("toggle", function (event) {
    if (event.target.matches?.("details.later[open]")) event.target.querySelector(".later-fields button, .later-fields input")?.focus();
  }, true);
  document.addEventListener("click", function (event) {
    if (!event.target.closest("a[href='#call']")) return;
    event.preventDefault();
    document.getElementById("call").scrollIntoView({ block: "center" });
    const later = document.querySelector("#call details.later.is-proposed");
    if (later && !later.open) later.open = true; // the first hour is focused when it has opened
    else document.querySelector(later ? "#call .later-fields button" : "#call .outcomes button")?.focus({ preventScroll: true });
  });

  // --- the end of the call from the top of the page: htmx only knows the buttons inside the form ------------
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button[form=call-form]");
    const inner = button && document.querySelector(`#call-form [name=outcome][value="${button.value}"]`);
    if (!inner) return;
    event.preventDefault();
    inner.click();
  });

  // --- the clock of a running call ------------------------------------------------------------------------
  function tick() {
    for (const clock of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.since)) / 1000));
      const minutes = Math.floor(seconds / 60);
      clock.textContent = `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
    }
  }
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSettle", tick);
  tick();
})();
