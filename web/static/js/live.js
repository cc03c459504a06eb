/**
 * Keeps a page that shows something unfinished up to date: fetches the page again, every few seconds or when a
 * stream of events says so, and swaps the marked parts that changed. Nothing is added or moved; new rows are
 * offered as a link.
 */

import { localise } from "./times.js";

const root = document.querySelector("[data-live]");
/** A page that is looked at for long says how seldom is enough. */
const PAUSE_MS = 1000 * Number(root?.dataset.liveSeconds ?? 2.5);

/** What a part looked like when the server sent it, so that our own changes to it do not count. */
const sent = new Map();

function parts(page) {
  return [...page.querySelectorAll("[data-live-part]")];
}

function inUse(part) {
  const asking = CSS.supports("selector(:popover-open)") && part.querySelector(":popover-open") !== null;
  return asking || part.contains(document.activeElement);
}

function renew(fresh) {
  const known = document.getElementById(fresh.id);
  const markup = fresh.innerHTML;
  if (!known || sent.get(fresh.id) === markup || inUse(known)) return;
  const open = [...known.querySelectorAll("details[open]")].map((details) => details.id);
  sent.set(fresh.id, markup);
  known.replaceChildren(...document.adoptNode(fresh).childNodes);
  forgetNews(known);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  localise(known);
}

/** Take away what was said about the state before: "was queued" helps nobody who reads "Done". */
function forgetNews(known) {
  if (known.hasAttribute("data-live-state")) document.querySelector("[data-news]")?.remove();
}

function announceNew(page) {
  const news = document.querySelector("[data-live-news]");
  const count = parts(page).filter((part) => !document.getElementById(part.id)).length;
  if (!news || count === 0) return;
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = `Show ${count} new`;
  if (news.textContent !== link.textContent) news.replaceChildren(link);
  news.classList.remove("unseen");
}

async function refresh() {
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok || response.redirected) return true;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const unfinished = page.querySelector("[data-unfinished]") !== null;
  // What comes out is more than the marked parts: the page is shown anew, once.
  if (!unfinished && root.hasAttribute("data-live-whole")) location.reload();
  parts(page).forEach(renew);
  announceNew(page);
  return unfinished;
}

/** Look again every few seconds. */
async function poll() {
  for (let unfinished = true; unfinished; ) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (document.hidden) continue;
    try {
      unfinished = await refresh();
    } catch {
      // The connection is gone; the next turn tries again.
    }
  }
}

/** Look again when the server says that something changed; poll where it has no stream to spare. */
function follow(address) {
  const stream = new EventSource(address);
  let busy = null;
  let again = false;
  const look = async () => {
    again = true;
    busy ??= (async () => {
      while (again) {
        again = false;
        if (!(await refresh().catch(() => true))) stream.close();
      }
      busy = null;
    })();
  };
  stream.addEventListener("job", look);
  stream.addEventListener("error", () => {
    // Between two connections the browser tries again by itself; a refused one is closed for good.
    if (stream.readyState === EventSource.CLOSED) poll();
  });
}

if (root?.hasAttribute("data-unfinished")) {
  parts(document).forEach((part) => sent.set(part.id, part.innerHTML));
  if (root.dataset.liveEvents) follow(root.dataset.liveEvents);
  else poll();
}
