// Choosing cases in the list: ticks, Shift for a range, X for the row under the keyboard.
(function () {
  "use strict";
  let last = null; // the tick a range begins at

  const ticks = () => [...document.querySelectorAll("input[name=case][form=bulk]")];

  function tell() {
    const bar = document.getElementById("bulk");
    if (!bar) return;
    const all = ticks(), chosen = all.filter((one) => one.checked).length;
    const status = bar.querySelector("[data-ticked]"), whole = bar.querySelector("[data-tick-all]");
    const words = chosen ? status.dataset.words.replace("{n}", chosen) : status.dataset.none;
    if (status.textContent !== words) status.textContent = words;
    bar.classList.toggle("has-chosen", chosen > 0);
    whole.checked = chosen > 0 && chosen === all.length;
    whole.indeterminate = chosen > 0 && chosen < all.length;
  }

  document.addEventListener("click", function (event) {
    const tick = event.target.closest("input[name=case][form=bulk]");
    if (tick) {
      const all = ticks(), from = all.indexOf(last), to = all.indexOf(tick);
      if (event.shiftKey && from >= 0) {
        for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = tick.checked;
      }
      last = tick;
      tell();
    } else if (event.target.closest("[data-tick-all]")) {
      for (const one of ticks()) one.checked = event.target.checked;
      tell();
    } else if (event.target.closest("[data-tick-row]")) {
      tickRow();
    }
  });

  // The key's own button takes the focus when it is pressed: the row is the one that had it before.
  let row = null;
  document.addEventListener("focusin", function (event) {
    const found = event.target.closest(".has-ticks > li");
    if (found) row = found;
  });
  function tickRow() {
    const tick = (row?.isConnected ? row : document.querySelector(".has-ticks > li"))?.querySelector("input[name=case]");
    if (!tick) return;
    tick.checked = !tick.checked;
    last = tick;
    tick.closest("li").querySelector("a").focus();
    tell();
  }

  document.addEventListener("htmx:afterSettle", tell);
  window.addEventListener("pageshow", tell); // the way back keeps the ticks
  tell();
})();
