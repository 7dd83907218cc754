// Shared behaviour: notices, menus, the count in the title, copying, confirming.
(function () {
  "use strict";
  const words = document.getElementById("words").dataset;
  const card = document.getElementById("toast");
  const LOOKS = { error: ["red", "alert-circle"], warning: ["amber", "alert-triangle"], success: ["green", "circle-check"], info: ["blue", "info-circle"] };
  const SVG = "http://www.w3.org/2000/svg";
  let timer = 0;

  // --- one merged notice ------------------------------------------------------------------------
  function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${words.icons}#${name}`);
    svg.append(use);
    return svg;
  }

  function closer() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "toast-close";
    button.dataset.closeToast = "";
    button.setAttribute("aria-label", words.close);
    button.append(icon("x"));
    return button;
  }

  function toast(text, level = "info") {
    const [tone, sign] = LOOKS[level] || LOOKS.info;
    if (!card.querySelector("ul")) card.replaceChildren(document.createElement("ul"), closer());
    const list = card.querySelector("ul");
    for (const old of list.children) if (old.textContent.trim() === text) old.remove();
    while (list.children.length > 3) list.firstElementChild.remove();
    const item = document.createElement("li");
    const line = document.createElement("span");
    item.className = `tone-${tone}`;
    item.dataset.level = level;
    line.textContent = text;
    item.append(icon(sign), line);
    list.append(item);
    fade();
  }

  // Good news leaves by itself; a warning or an error stays until it is read and closed.
  function fade() {
    clearTimeout(timer);
    if (!card.querySelector("li") || card.querySelector("[data-level=error], [data-level=warning]")) return;
    const undo = card.querySelector("[data-level=undo]"); // an offer to undo is there to be taken
    timer = setTimeout(function () {
      if (card.matches(":hover, :focus-within")) return fade();
      card.replaceChildren();
    }, undo ? 30000 : 6000);
  }

  document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.level));
  document.addEventListener("htmx:oobAfterSwap", fade);
  fade();

  // --- htmx errors: say what happened, leave everything typed where it is -------------------------
  document.addEventListener("htmx:sendError", () => toast(words.offline, "error"));
  document.addEventListener("htmx:timeout", () => toast(words.offline, "error"));
  document.addEventListener("htmx:responseError", function (event) {
    const status = event.detail.xhr.status;
    if ((event.detail.xhr.getResponseHeader("HX-Trigger") || "").includes("toast")) return;
    toast(status === 409 ? words.conflict : status === 403 ? words.forbidden : words.failed, "error");
  });

  // Signing in again in another tab renews the token; what is typed here is sent with the new one.
  document.addEventListener("htmx:configRequest", function (event) {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
    if (!token) return;
    event.detail.headers["X-CSRFToken"] = token;
    if (event.detail.parameters.csrfmiddlewaretoken) event.detail.parameters.csrfmiddlewaretoken = token;
  });

  // --- menus made of <details> --------------------------------------------------------------------
  document.addEventListener("click", function (event) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (event.target.closest("[data-close-toast]")) card.replaceChildren();
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog).showModal();
    const copier = event.target.closest("[data-copy]");
    if (copier) copy(document.querySelector(copier.dataset.copy), copier.dataset.copyKind);
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // --- copy: what goes to buyers only after the check has let it pass (underline.js asks) ------------
  const PASS_KEPT = 20000;
  let passed = {};

  async function copy(source, kind = "") {
    const text = "value" in source ? source.value : source.textContent.trim();
    const allowed = mayLeave(source, text, kind);
    const written = await write(text, allowed).catch(() => false);
    if (!(await allowed)) return;
    passed = written ? {} : { source, text, kind, until: Date.now() + PASS_KEPT };
    toast(written ? words.copied : words.again, written ? "success" : "warning");
  }

  async function mayLeave(source, text, kind) {
    if (!source.closest("[data-check]")) return true;
    const known = passed.source === source && passed.text === text && passed.kind === kind;
    if (known && Date.now() < passed.until) return true;
    const asking = new CustomEvent("copying", { bubbles: true, detail: { text, kind } });
    source.dispatchEvent(asking);
    return (await asking.detail.allowed) === true;
  }

  // A browser lets a page copy only at a click: it is given a promise of the text. Without HTTPS, which a
  // shop's own network may not have, the click may be too old by then, and a second one copies at once.
  async function write(text, allowed) {
    if (!navigator.clipboard || !window.isSecureContext) return (await allowed) && writeSelected(text);
    if (window.ClipboardItem) {
      const words = allowed.then((yes) => (yes ? new Blob([text], { type: "text/plain" }) : Promise.reject(new Error("refused"))));
      words.catch(() => {});
      try {
        await navigator.clipboard.write([new ClipboardItem({ "text/plain": words })]);
        return true;
      } catch { /* refused, or a browser that takes no promises */ }
    }
    if (!(await allowed)) return false;
    await navigator.clipboard.writeText(text);
    return true;
  }

  function writeSelected(text) {
    const before = document.activeElement;
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const written = document.execCommand("copy");
    field.remove();
    before?.focus();
    return written;
  }

  // --- forms that ask first: <form data-confirm="…"> or <button data-confirm="…"> -------------------
  document.addEventListener("submit", function (event) {
    const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (!question || window.confirm(question)) return;
    event.preventDefault();
    event.stopPropagation(); // htmx would send it all the same
  }, true);

  // --- the count of open cases stands in the title ---------------------------------------------------
  function count() {
    const badges = document.querySelectorAll(".nav-count[data-title-count]");
    const fresh = document.querySelector("[data-live][data-title-count]")?.dataset.titleCount;
    const n = fresh ?? badges[0]?.dataset.titleCount;
    const bare = document.title.replace(/^\(\d+\) /, "");
    document.title = Number(n) > 0 ? `(${n}) ${bare}` : bare;
    for (const badge of badges) {
      if (fresh === undefined || badge.dataset.titleCount === fresh) continue;
      badge.dataset.titleCount = fresh;
      badge.firstChild.data = Number(fresh) > 99 ? "99+" : fresh;
      badge.hidden = fresh === "0";
    }
  }

  // --- a table wider than its box must be reachable by the keyboard that scrolls it ----------------------
  function reach() {
    for (const box of document.querySelectorAll(".table-responsive")) {
      box.toggleAttribute("tabindex", false);
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  }

  for (const refresh of [count, reach]) {
    refresh();
    document.addEventListener("htmx:afterSettle", refresh);
  }
  window.addEventListener("resize", reach);
})();
