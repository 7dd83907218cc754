// Promised call-backs, and to managers mass incidents, come up on whatever page is open. The server says when asking is worthwhile again.
(function () {
  "use strict";
  const box = document.getElementById("due");
  if (!box) return;
  const AWAY = "huiping-due-away"; // what this person has put away, in this browser
  let seen = "", timer = 0;

  async function ask() {
    clearTimeout(timer);
    let wait = 15;
    try {
      const answer = await fetch(`${box.dataset.url}?seen=${encodeURIComponent(seen)}`, { headers: { "HX-Request": "true" } });
      if (answer.status === 401) return; // signed out: the next page says so
      if (answer.ok) {
        wait = Number(answer.headers.get("X-Next")) || wait;
        seen = answer.headers.get("X-Seen") || "";
        if (answer.status === 200) show(await answer.text());
      } else wait = 5; // the server or its database is away for a moment
    } catch {
      wait = 5; // the network is away for a moment
    }
    timer = setTimeout(ask, Math.max(wait, 0.2) * 1000 + 50);
  }

  function show(html) {
    if (box.contains(document.activeElement)) return void (seen = ""); // not under the hand
    box.innerHTML = html;
    box.hidden = !html.trim() || localStorage.getItem(AWAY) === seen;
  }

  box.addEventListener("click", function (event) {
    if (!event.target.closest("[data-close-due]")) return;
    localStorage.setItem(AWAY, seen);
    box.hidden = true;
  });
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  ask();
})();
