/** The review page: answers by key or tap, the next photo without a new page, undo. */

import { pageAt } from "./api.js";
import { Announcer } from "./announcer.js";

const SETTING = "review-shortcuts";
const announcer = new Announcer(document.getElementById("announcements"));
const shortcuts = document.getElementById("shortcuts");
let busy = false;

/** Show what the server made of a page, and keep the focus where it was. */
function show(page) {
  const focused = document.activeElement;
  const place = focused?.closest?.("#review")
    ? (focused.value && `#review [value="${CSS.escape(focused.value)}"]`) || (focused.id && `#${focused.id}`)
    : null;
  for (const id of ["review", "numbers"]) {
    document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
  }
  const again = place && document.querySelector(place);
  (again || document.getElementById("review")).focus({ preventScroll: true });
  const said = document.getElementById("said")?.textContent.trim() ?? "";
  announcer.say(document.getElementById("answers") ? `${said} Next photo.` : `${said} No more photos.`);
}

async function go(address, form = null) {
  if (busy) return;
  busy = true;
  document.getElementById("review").setAttribute("aria-busy", "true");
  try {
    show(await pageAt(address, form));
  } catch (error) {
    document.getElementById("review").removeAttribute("aria-busy");
    document.getElementById("said").textContent = `${error.message} Your answer is not saved.`;
    announcer.say(`${error.message} Your answer is not saved.`);
  } finally {
    busy = false;
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.closest("#review")) return;
  event.preventDefault();
  go(event.target.action, new FormData(event.target, event.submitter));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("#skip");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.href);
});

/** Move the focus through the answers. */
function step(by) {
  const buttons = [...document.querySelectorAll("#answers .option")];
  if (buttons.length === 0) return;
  const at = buttons.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : buttons.length - 1) : (at + by + buttons.length) % buttons.length;
  buttons[next].focus();
}

function act(key) {
  if (key === "ArrowDown") return step(1);
  if (key === "ArrowUp") return step(-1);
  const wanted = key === "ArrowLeft" ? "u" : key;
  return document.querySelector(`#review [data-key="${CSS.escape(wanted)}"]`)?.click();
}

const OURS = /^([0-9nmu]|Arrow(Up|Down|Left|Right))$/;

document.addEventListener("keydown", (event) => {
  const elsewhere = event.target.closest("header, details, input:not([type=checkbox]), textarea, select");
  if (!shortcuts.checked || elsewhere || event.altKey || event.ctrlKey || event.metaKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!OURS.test(key)) return;
  event.preventDefault();
  if (!event.repeat || key.startsWith("Arrow")) act(key);
});

shortcuts.checked = localStorage.getItem(SETTING) !== "off";
shortcuts.addEventListener("change", () => localStorage.setItem(SETTING, shortcuts.checked ? "on" : "off"));
