// Keeps deadlines and relative times true while a page stays open.
(function () {
  "use strict";
  const words = document.getElementById("words").dataset;
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const say = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function span(seconds) {
    if (seconds < HOUR) return say(words.min, { n: Math.max(1, Math.floor(seconds / MINUTE)) });
    if (seconds < DAY) return say(words.h, { n: Math.floor(seconds / HOUR) });
    return say(words.d, { n: Math.floor(seconds / DAY) });
  }

  function deadline(element, now) {
    const due = Date.parse(element.dataset.due);
    const left = Math.floor((due - now) / 1000);
    const from = Date.parse(element.dataset.from);
    const minutes = String(Math.floor((left % HOUR) / MINUTE)).padStart(2, "0");
    const long = left < 2 * DAY ? `${Math.floor(left / HOUR)}:${minutes}` : span(left);
    const text = left <= 0 ? say(words.overdue, { span: span(-left) }) : say(words.left, { span: long });
    const soon = from && (due - now) * 2 < due - from;
    element.classList.toggle("due-over", left <= 0);
    element.classList.toggle("due-soon", left > 0 && Boolean(soon));
    element.classList.toggle("due-calm", left > 0 && !soon);
    const target = element.querySelector("span") || element;
    if (target.textContent !== text) target.textContent = text;
  }

  function relative(element, now) {
    const seconds = Math.floor((now - Date.parse(element.dateTime)) / 1000);
    const size = Math.abs(seconds);
    const past = seconds >= 0;
    let text = past ? words.now : words.soon;
    if (size >= DAY) text = say(past ? words.daysAgo : words.inDays, { n: Math.floor(size / DAY) });
    else if (size >= HOUR) text = say(past ? words.hoursAgo : words.inHours, { n: Math.floor(size / HOUR) });
    else if (size >= MINUTE) text = say(past ? words.minutesAgo : words.inMinutes, { n: Math.floor(size / MINUTE) });
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    if (document.hidden) return;
    const now = Date.now();
    document.querySelectorAll("time[data-due]").forEach((element) => deadline(element, now));
    document.querySelectorAll("time[data-ago]").forEach((element) => relative(element, now));
  }

  setInterval(tick, 15000);
  document.addEventListener("visibilitychange", tick);
})();
