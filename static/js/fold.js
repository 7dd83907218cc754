// On a phone the sections of a case fold: a tap on a title, remembered while the tab is open.
(function () {
  "use strict";
  const narrow = window.matchMedia("(max-width: 991.98px)");
  const FOLDED_AT_FIRST = ["order-title", "timeline-title"];
  const key = (title) => `huiping.fold.${title.id}`;

  function isFolded(title) {
    const kept = sessionStorage.getItem(key(title));
    return kept === null ? FOLDED_AT_FIRST.includes(title.id) : kept === "1";
  }

  function fold(title, folded) {
    title.closest("section").classList.toggle("is-folded", folded);
    title.querySelector(".fold").setAttribute("aria-expanded", String(!folded));
  }

  // A section that reports a problem is open, whatever was chosen.
  function prepare() {
    for (const title of document.querySelectorAll("#case section.card > .card-header > .card-title[id]")) {
      const section = title.closest("section");
      let button = title.querySelector(".fold");
      if (!narrow.matches) {
        section.classList.remove("is-folded");
        if (button) title.textContent = button.textContent;
        continue;
      }
      if (!button) {
        button = document.createElement("button");
        button.type = "button";
        button.className = "fold";
        button.textContent = title.textContent;
        title.replaceChildren(button);
      }
      fold(title, isFolded(title) && !section.querySelector(".form-errors, .field-error"));
    }
  }

  document.addEventListener("click", function (event) {
    const title = event.target.closest(".fold")?.closest(".card-title");
    if (!title) return;
    const folded = !title.closest("section").classList.contains("is-folded");
    sessionStorage.setItem(key(title), folded ? "1" : "0");
    fold(title, folded);
  });
  // A link or key that leads into a folded section opens it.
  function open() {
    const section = document.querySelector(location.hash || "#none")?.closest("section.is-folded");
    if (section) fold(section.querySelector(".card-title"), false);
  }
  document.addEventListener("htmx:afterSettle", prepare);
  window.addEventListener("hashchange", open);
  narrow.addEventListener("change", prepare);
  prepare();
  open();
})();
