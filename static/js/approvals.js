// Approvals: J and K move between the cards; A and X act on the one in hand. Enter in the reason refuses.
(function () {
  "use strict";
  const cards = [...document.querySelectorAll("[data-approval]")];
  let current = 0;

  function hold(place) {
    current = Math.min(Math.max(place, 0), cards.length - 1);
    cards.forEach(function (card, at) {
      const mine = at === current;
      card.classList.toggle("is-current", mine);
      for (const [mark, key] of [["[data-approve]", "a"], ["[data-refuse]", "x"]]) {
        const target = card.querySelector(mark);
        if (mine) target.dataset.key = key;
        else delete target.dataset.key;
      }
    });
  }

  if (!cards.length) return;
  hold(0);
  document.addEventListener("click", function (event) {
    const step = Number(event.target.closest("[data-card-step]")?.dataset.cardStep);
    if (!step) return;
    hold(current + step);
    cards[current].focus({ preventScroll: true });
    cards[current].scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("focusin", function (event) {
    const place = cards.indexOf(event.target.closest("[data-approval]"));
    if (place >= 0 && place !== current) hold(place);
  });
  // Enter would press the first button of the form, which approves: in the reason it refuses.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("[data-refuse]")) return;
    event.preventDefault();
    event.target.form.requestSubmit(event.target.form.querySelector("button[value='0']"));
  });
})();
