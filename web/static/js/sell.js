/** The page of a listing: every chosen photo becomes a card at once and is followed until it has its answer. */

import { cardOf, lookAtJob, pageAt, persist, retryJob, sendPhoto, WAIT_SECONDS } from "./api.js";
import { Announcer } from "./announcer.js";
import { Choice } from "./choice.js";
import { Draft } from "./draft.js";
import { uniqueKey } from "./keys.js";
import { Lanes } from "./lanes.js";
import { PhotoCard } from "./photo_card.js";
import { onPhotos } from "./photo_sources.js";

// A browser opens six connections to one server: four send, the rest wait for answers and load pictures.
const uploads = new Lanes(4);
const answers = new Lanes(2);
// The file itself is the reason: sending it again would end the same way.
const UNUSABLE = new Set([413, 415, 422]);
const ENDED = new Set(["succeeded", "failed", "cancelled", "quarantined"]);

const list = document.getElementById("cards");
const announcer = new Announcer(document.getElementById("announcements"));
const draft = new Draft();
// Photos travel side by side and keep the order in which they were chosen.
const editor = document.getElementById("editor");
let lastPosition = Number(editor.dataset.lastPosition);
const choice = new Choice(draft, announcer);

function summarise() {
  const states = [...list.children].map((card) => card.dataset.state);
  for (const count of document.querySelectorAll("#counts span")) {
    const wanted = count.dataset.states.split(" ");
    const number = states.filter((state) => wanted.includes(state)).length;
    count.querySelector("b").textContent = number;
    count.hidden = number === 0;
  }
  document.getElementById("shown").hidden = states.length === 0;
}

function waitingNote(card) {
  return (reason, seconds) => card.note(`${reason} Again in ${seconds} s`);
}

async function upload(card, file, position, key) {
  card.show("uploading");
  summarise();
  try {
    const progress = (share) => card.note(share < 1 ? `${Math.round(share * 100)} % sent` : "Almost there");
    const listing = await draft.ensure(waitingNote(card));
    const send = () => sendPhoto(file, listing, position, key, progress);
    const { job } = await uploads.run(() => persist(send, waitingNote(card)));
    await follow(card, job);
  } catch (error) {
    fail(card, error.message, UNUSABLE.has(error.status) ? null : () => upload(card, file, position, key));
  }
}

/** Follow a job until it has ended, then show the card the server makes of it. */
async function follow(card, job) {
  card.element.dataset.job = job.id;
  try {
    let seen = job;
    while (!ENDED.has(seen.state)) {
      card.show(seen.state === "running" ? "working" : "queued");
      summarise();
      seen = await answers.run(() => persist(() => lookAtJob(job.id, WAIT_SECONDS), waitingNote(card)));
    }
    const rendered = await persist(() => cardOf(job.id, draft.id), waitingNote(card));
    announcer.say(card.showAnswer(rendered));
    summarise();
    choice.renew();
  } catch (error) {
    fail(card, `${error.message} Your photo is stored.`, () => follow(card, job));
  }
}

function fail(card, message, onAgain) {
  card.fail(message, onAgain);
  announcer.say(`${card.name}: ${message}`);
  summarise();
}

async function tryAgain(card, form) {
  const id = card.element.dataset.job;
  form.querySelector("button").disabled = true;
  try {
    await follow(card, await retryJob(id));
  } catch (error) {
    fail(card, error.message, () => tryAgain(card, form));
  }
}

async function makeCover(element, form) {
  const name = new PhotoCard(element).name;
  try {
    await pageAt(form.action, new FormData(form));
    list.prepend(element);
    element.querySelector(".photo-foot :is(a, button)")?.focus();
    announcer.say(`${name} is the cover now.`);
  } catch (error) {
    announcer.say(`${name}: ${error.message}`);
  }
}

async function takeOut(element, form) {
  form.querySelector("button").disabled = true;
  const name = new PhotoCard(element).name;
  try {
    await pageAt(form.action, new FormData(form));
    const next = element.nextElementSibling ?? element.previousElementSibling;
    element.remove();
    (next?.querySelector("button, a") ?? document.getElementById("photos")).focus();
    announcer.say(`${name} is removed.`);
  } catch (error) {
    form.querySelector("button").disabled = false;
    announcer.say(`${name}: ${error.message}`);
  }
  summarise();
  choice.renew();
}

/** How many more photos the listing takes. Those that failed on their way here are not in it. */
function room() {
  const held = [...list.children].filter(({ dataset }) => dataset.job || dataset.state !== "failed");
  return Math.max(0, Number(editor.dataset.max) - held.length);
}

onPhotos((files) => {
  const fitting = room();
  const cards = files.map((file) => PhotoCard.forFile(file));
  list.append(...cards.map((card) => card.element));
  cards.forEach((card, index) => {
    if (index < fitting) upload(card, files[index], (lastPosition += 1), uniqueKey());
    else fail(card, editor.dataset.full, null);
  });
});

list.addEventListener("submit", (event) => {
  const element = event.target.closest(".photo-card");
  if (event.target.matches("[data-retry]")) {
    event.preventDefault();
    tryAgain(new PhotoCard(element), event.target);
  } else if (event.target.matches("[data-take-out]")) {
    event.preventDefault();
    takeOut(element, event.target);
  } else if (event.target.matches("[data-cover]")) {
    event.preventDefault();
    makeCover(element, event.target);
  }
});

for (const element of list.querySelectorAll("[data-state=queued], [data-state=working]")) {
  const state = element.dataset.state === "working" ? "running" : "queued";
  follow(new PhotoCard(element), { id: element.dataset.job, state });
}
summarise();
