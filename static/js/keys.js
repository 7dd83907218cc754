// Keyboard: elements declare data-key="n" (or "g c", "Shift+X"); pressing it clicks or focuses them.
// Never fires while somebody types or composes; `?` lists what the page declares; can be switched off.
(function () {
  "use strict";
  const STORE = "huiping.keys";
  const dialog = document.getElementById("keys");
  const switcher = dialog.querySelector("[data-keys-on]");
  const typing = "input:not([type=checkbox],[type=radio],[type=button],[type=submit]), textarea, select, [contenteditable=''], [contenteditable=true]";
  let stop = () => {};

  const isOn = () => localStorage.getItem(STORE) !== "off";
  const isBusy = (event) =>
    event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.repeat ||
    Boolean(event.target.closest?.(typing));
  const usable = (element) => element.checkVisibility() && !element.disabled && !element.closest("[inert]");
  const words = (element) =>
    [...element.childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join(" ");
  const name = (element) =>
    element.dataset.keyLabel || element.getAttribute("aria-label") || words(element).trim().replace(/\s+/g, " ");

  // An open modal dialog owns the keyboard.
  function reachable() {
    const modal = document.querySelector("dialog:modal");
    return [...(modal || document).querySelectorAll("[data-key]")].filter(usable);
  }

  function press(key, event) {
    if (isBusy(event)) return;
    const target = reachable().find((element) => element.dataset.key === key);
    if (!target) return;
    event.preventDefault();
    if (target.matches(typing)) target.focus();
    else { target.focus({ preventScroll: true }); target.click(); }
  }

  function help(event) {
    if (event && isBusy(event)) return;
    event?.preventDefault();
    const list = dialog.querySelector("[data-key-list]");
    const seen = new Map(reachable().map((element) => [element.dataset.key, name(element)]));
    list.replaceChildren(...[...seen].flatMap(function ([key, label]) {
      const term = document.createElement("dt");
      const meaning = document.createElement("dd");
      for (const part of key.split(" ")) {
        const cap = document.createElement("kbd");
        cap.textContent = part.length === 1 ? part.toUpperCase() : part;
        term.append(cap, " ");
      }
      meaning.textContent = label;
      return [term, meaning];
    }));
    switcher.checked = isOn();
    dialog.showModal();
  }

  // Sequences come first: "g c" prevents the default, so that "c" alone stays silent after it.
  function listen() {
    stop();
    if (!isOn()) return;
    const keys = [...new Set([...document.querySelectorAll("[data-key]")].map((element) => element.dataset.key))];
    keys.sort((a, b) => b.split(" ").length - a.split(" ").length);
    const map = {};
    for (const key of keys) map[key] = (event) => press(key, event);
    if (!dialog.open) map["Shift+?"] = help;
    stop = tinykeys.tinykeys(window, map);
  }

  switcher.addEventListener("change", function () {
    localStorage.setItem(STORE, switcher.checked ? "on" : "off");
    listen();
  });
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-open-keys]")) return;
    event.target.closest("details").open = false;
    help();
  });
  document.addEventListener("htmx:afterSettle", listen);
  listen();
})();
