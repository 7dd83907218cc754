// Keyboard: elements declare data-key="n" (or "g c", "Shift+X"); pressing it clicks or focuses them.
// Never fires while somebody types or composes; `?` lists what the page declares; can be switched off.
(function () {
  "use strict";
  const dialog = document.getElementById("keys");
  const switcher = dialog.querySelector("[data-keys-on]");
  const typing = "input:not([type=checkbox],[type=radio],[type=button],[type=submit]), textarea, select, [role=textbox], [role=combobox], [role=searchbox]";
  let stop = () => {};
  let composing = false;

  const isOn = () => document.body.dataset.keys !== "off";
  // A dead key or the Enter that ends a composition may come without isComposing: 229, or Process as key.
  const isComposed = (event) => composing || event.isComposing || event.keyCode === 229 || event.key === "Process";
  function isTyped(event) {
    const target = event.composedPath()[0];
    return target instanceof Element && (target.matches(typing) || target.isContentEditable);
  }
  const isBusy = (event) =>
    event.defaultPrevented || event.repeat || isComposed(event) || isTyped(event) ||
    (event.ctrlKey && event.key !== "z") || event.metaKey || event.altKey || event.getModifierState?.("AltGraph");
  const usable = (element) => element.checkVisibility() && !element.disabled && !element.closest("[inert]");
  const words = (element) =>
    [...element.childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join(" ");
  const name = (element) =>
    element.dataset.keyLabel || element.getAttribute("aria-label") || words(element).trim().replace(/\s+/g, " ");

  // An open dialog owns the keyboard: only what stands in it can be pressed.
  const openDialog = () => [...document.querySelectorAll("dialog[open]")].at(-1);
  const reachable = () => [...(openDialog() || document).querySelectorAll("[data-key]")].filter(usable);

  function press(key, event) {
    if (isBusy(event)) return;
    const target = reachable().find((element) => element.dataset.key === key);
    if (!target) return;
    event.preventDefault();
    if (target.matches(typing)) target.focus();
    else { target.focus({ preventScroll: true }); target.click(); }
  }

  function help(event) {
    if (event && (isBusy(event) || openDialog())) return;
    event?.preventDefault();
    const list = dialog.querySelector("[data-key-list]");
    const seen = new Map(reachable().map((element) => [element.dataset.key, name(element)]));
    list.replaceChildren(...[...seen].flatMap(function ([key, label]) {
      const term = document.createElement("dt");
      const meaning = document.createElement("dd");
      for (const part of key.split(" ")) {
        const cap = document.createElement("kbd");
        cap.textContent = part.length === 1 ? part.toUpperCase() : part.replace("Shift+", "⇧");
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
    stop = () => {};
    const declared = [...document.querySelectorAll("[data-key]")];
    for (const element of declared) {
      if (isOn()) element.setAttribute("aria-keyshortcuts", element.dataset.key);
      else element.removeAttribute("aria-keyshortcuts");
    }
    if (!isOn()) return;
    const keys = [...new Set(declared.map((element) => element.dataset.key))];
    keys.sort((a, b) => b.split(" ").length - a.split(" ").length);
    const map = {};
    for (const key of keys) map[key] = (event) => press(key, event);
    map["Shift+?"] = help;
    stop = tinykeys.tinykeys(window, map);
  }

  // Kept at the person, so that it holds on every computer; who is not signed in switches this page only.
  function keep(on) {
    if (!switcher.dataset.keysUrl) return;
    window.htmx.ajax("POST", switcher.dataset.keysUrl, { swap: "none", values: on ? { shortcuts_on: "on" } : {} });
  }

  switcher.addEventListener("change", function () {
    document.body.dataset.keys = switcher.checked ? "on" : "off";
    keep(switcher.checked);
    listen();
  });
  document.addEventListener("click", function (event) {
    const opener = event.target.closest("[data-open-keys]");
    if (!opener) return;
    const menu = opener.closest("details");
    if (menu) menu.open = false;
    help();
  });
  window.addEventListener("compositionstart", () => { composing = true; }, true);
  window.addEventListener("compositionend", () => { composing = false; }, true);
  document.addEventListener("htmx:afterSettle", listen);
  listen();
})();
